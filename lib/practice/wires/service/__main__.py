"""`python -m practice.wires.service`: everything it needs is in its environment."""

import logging
import sys

import uvicorn

from practice.wires.service import says
from practice.wires.service.app import Log, Service
from practice.wires.service.control import Control
from practice.wires.service.ledger import open_pool
from practice.wires.service.payments import Payments, connect
from practice.wires.service.queue import Queue
from practice.wires.service.settings import Settings, SettingsError
from practice.wires.service.webhooks import Webhooks


def main() -> int:
    try:
        settings = Settings.from_environment()
    except SettingsError as problem:
        sys.stderr.write(f"{problem}\n")
        return 64
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # what matters of it is logged in our own format
    control, log = Control(), Log(settings.log_format)
    control.listen()
    pool = open_pool(settings.database_url)
    payments = Payments(pool, control, connect(settings), log, Queue(settings.queue))
    webhooks = Webhooks(pool, control, settings.stripe_webhook_secret, settings.smtp_url, log)
    if not control.start_is_logged:
        log(says.started(control.now(), control.version))
    app = Service(settings, pool, control, payments, webhooks, log).app()
    uvicorn.run(app, host="127.0.0.1", port=settings.port, log_level="critical", access_log=False, server_header=False,
                date_header=False)
    pool.close(timeout=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
