-- The shop's ledger as its own migrations left it: mixed-case names, text states, minor units.
CREATE TABLE "User" (
    "id" text PRIMARY KEY,
    "email" text UNIQUE NOT NULL,
    "name" text,
    "stripeCustomerId" text UNIQUE,
    "createdAt" timestamptz NOT NULL
);

CREATE TABLE "Transaction" (
    "id" uuid PRIMARY KEY,
    "userId" text NOT NULL REFERENCES "User" ("id") ON DELETE CASCADE,
    "stripePaymentIntentId" text UNIQUE,
    "amount" integer NOT NULL,
    "currency" text NOT NULL,
    "status" text NOT NULL
        CHECK ("status" IN ('PENDING', 'COMPLETED', 'FAILED', 'REFUNDED', 'DISPUTED', 'CANCELED')),
    "orderId" text,
    "failureReason" text,
    "confirmationSentAt" timestamptz,
    "createdAt" timestamptz NOT NULL,
    "updatedAt" timestamptz NOT NULL
);
CREATE INDEX "Transaction_createdAt_idx" ON "Transaction" ("createdAt");
CREATE INDEX "Transaction_userId_idx" ON "Transaction" ("userId");

CREATE TABLE "WebhookEvent" (
    "id" text PRIMARY KEY,
    "type" text NOT NULL,
    "receivedAt" timestamptz NOT NULL,
    "processedAt" timestamptz
);
