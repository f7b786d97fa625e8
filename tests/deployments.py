"""A Dokploy instance with two applications that only note what is done to them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from practice.wires.deploy import Board, Facade
from runbook.target import Application, Deploy, Secret

READ, WRITE = "read-token", "write-token"
STORED = "# shop-api\nPORT='3000'  # as the proxy has it\nexport STRIPE_SECRET_KEY=old\n\nMAIL=\"two\nlines\"\n"


@dataclass
class Idle:
    """A container that runs nothing."""

    name: str
    calls: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")


@dataclass
class Hosted:
    process: Idle
    stored: str
    built: list[tuple[dict[str, str], bool]] = field(default_factory=list)


@dataclass
class Instance:
    board: Board
    url: str
    hosted: Mapping[str, Hosted]

    def settings(self, read: str = "DEPLOY_READ", write: str = "DEPLOY_WRITE") -> Deploy:
        named = {app: Application(self.board.id_of(app), one.process.name) for app, one in self.hosted.items()}
        return Deploy("dokploy", self.url, Secret(read), Secret(write), named)


@contextmanager
def instance(seed: int = 1) -> Iterator[Instance]:
    hosted = {"api": Hosted(Idle("shop-api"), STORED), "web": Hosted(Idle("shop-web"), "PORT=1\n")}

    def rebuild(app: str, environment: Mapping[str, str], *, bake: bool) -> None:
        hosted[app].built.append((dict(environment), bake))

    board = Board(hosted, rebuild, lambda: 1768478400.0, seed)
    board.grant(READ, "read")
    board.grant(WRITE, "read", "envVars", "deployment")
    facade = Facade(board)
    try:
        yield Instance(board, facade.start(), hosted)
    finally:
        facade.stop()
