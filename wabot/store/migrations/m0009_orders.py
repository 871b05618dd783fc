"""Orders, their lines, their steps, and their ratings; which order a message is about. `contact` is the number to
call about an order of a customer whom nobody knows by one."""

COMPATIBLE_FROM = 1

SQL = """
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL REFERENCES channel(id) ON DELETE CASCADE,
    customer_id INTEGER NOT NULL REFERENCES customer(id) ON DELETE CASCADE,
    conversation_id INTEGER NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    merchant TEXT NOT NULL DEFAULT '',
    number TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'DRAFT' CHECK (status IN
        ('DRAFT', 'CONFIRMED', 'PREPARING', 'OUT_FOR_DELIVERY', 'READY', 'DELIVERED', 'RATED', 'CANCELLED')),
    type TEXT NOT NULL CHECK (type IN ('delivery', 'pickup', 'dine_in', 'car')),
    total_minor INTEGER NOT NULL CHECK (total_minor >= 0),
    currency TEXT NOT NULL,
    currency_digits INTEGER NOT NULL,
    payment TEXT NOT NULL CHECK (payment IN ('cash', 'online')),
    payment_status TEXT NOT NULL DEFAULT 'pending' CHECK (payment_status IN ('pending', 'paid', 'failed', 'refunded')),
    payment_link TEXT NOT NULL DEFAULT '',
    branch_id TEXT NOT NULL DEFAULT '',
    branch TEXT NOT NULL DEFAULT '{}',
    latitude REAL,
    longitude REAL,
    address TEXT NOT NULL DEFAULT '',
    notes TEXT NOT NULL DEFAULT '',
    contact TEXT NOT NULL DEFAULT '',
    saved INTEGER NOT NULL DEFAULT 0,
    rating INTEGER CHECK (rating BETWEEN 1 AND 5),
    rating_comment TEXT NOT NULL DEFAULT '',
    rated_at INTEGER,
    remind_at INTEGER,
    reminded INTEGER NOT NULL DEFAULT 0,
    submission TEXT NOT NULL DEFAULT '' CHECK (submission IN
        ('', 'waiting', 'calling', 'unknown', 'accepted', 'refused', 'by_hand')),
    submit_due_at INTEGER,
    submit_attempts INTEGER NOT NULL DEFAULT 0,
    submit_begun_at INTEGER,
    submit_worker TEXT NOT NULL DEFAULT '',
    submit_code TEXT NOT NULL DEFAULT '',
    maybe_number TEXT NOT NULL DEFAULT '',
    ask_at INTEGER,
    tell_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (tenant_id, key),
    CHECK ((status = 'RATED') = (rating IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX orders_number ON orders(tenant_id, number, merchant) WHERE number <> '';
CREATE INDEX orders_latest ON orders(tenant_id, id);
CREATE INDEX orders_status ON orders(tenant_id, status, id);
CREATE INDEX orders_customer ON orders(customer_id, id);
CREATE INDEX orders_conversation ON orders(conversation_id, id);
CREATE INDEX orders_day ON orders(tenant_id, created_at);
CREATE INDEX orders_channel ON orders(channel_id);
CREATE INDEX orders_submit ON orders(submission, submit_due_at) WHERE submission IN ('waiting', 'calling', 'unknown');
CREATE INDEX orders_ask ON orders(ask_at) WHERE ask_at IS NOT NULL;
CREATE INDEX orders_tell ON orders(tell_at) WHERE tell_at IS NOT NULL;
CREATE INDEX orders_remind ON orders(remind_at) WHERE remind_at IS NOT NULL;

CREATE TABLE order_item (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders(id) ON DELETE CASCADE,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    item_id TEXT NOT NULL,
    name TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    price_minor INTEGER NOT NULL CHECK (price_minor >= 0),
    total_minor INTEGER NOT NULL CHECK (total_minor >= 0),
    choices TEXT NOT NULL DEFAULT '[]',
    add_ons TEXT NOT NULL DEFAULT '[]',
    notes TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX order_item_order ON order_item(order_id, id);
CREATE INDEX order_item_tenant ON order_item(tenant_id);

CREATE TABLE order_step (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders(id) ON DELETE CASCADE,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    status TEXT NOT NULL,
    by TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX order_step_order ON order_step(order_id, id);
CREATE INDEX order_step_tenant ON order_step(tenant_id);

CREATE TABLE order_counter (
    tenant_id INTEGER PRIMARY KEY REFERENCES tenant(id) ON DELETE CASCADE,
    last INTEGER NOT NULL
) STRICT;

ALTER TABLE message ADD COLUMN order_id INTEGER;
CREATE INDEX message_order ON message(order_id) WHERE order_id IS NOT NULL;
CREATE INDEX webhook_unplaced ON webhook(tenant_id, received_at) WHERE provider = 'catalog' AND verdict = 'unrouted';
"""
