"""An imitation of the order platform's external API v1 (facts/catalog-api), over real HTTP, that misbehaves on demand.

    python -m tests.fakes.sufrah --port 0 --ledger FILE [--key KEY] [--webhook URL]

In a test's own process: `with sufrah.running(tmp_path / "ledger") as platform:`, then `platform.url`, `platform.key`,
`platform.calls("categories")`, `platform.orders`, `platform.order({...})`. It knows one merchant, MERCHANT, with two
categories, four products and two branches; `platform.add_merchant(id, categories=…, branches=…)` adds others.

    POST /_control {"mode", "on"?, "count": 1, …}   what the next calls (of the kind `on`, else of any) meet
    POST /_control {"clear": true}                  ends all orders of misbehaviour
    POST /_control {"orderNumber", "status"?, "paymentStatus"?}   an order moves on, and --webhook is called
    GET  /_ledger                                   {"messages": [every call], "callbacks": [what was posted]}

Kinds: categories, branches, products, coverage, submit, status, merchant. Modes: those of `misbehaving` (`ok error
redirect reset_before reset_after timeout broken_json`). Parameters: `accepted` (whether an order counts as taken),
`status`, `body`, `retry_after`, `delay_ms`; and of a good answer's shape: `bare` (one row is no list), `content_type`,
`text` (the answer is this text, `{number}` in it is the order's). So `{"on": "submit", "mode": "timeout"}` takes the
order and never answers; `{"on": "submit", "mode": "ok", "text": "Order number {number}"}` answers in plain text.

A line of the ledger: {"call", "merchant", "path", "time", "mode", "key" (the idempotency key)}; for an order that was
taken also {"number", "order": its body}.
"""

import contextlib
import json
import threading
import time
import uuid
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes import misbehaving
from tests.fakes.misbehaving import Refusal

KEY = "sufrah-test-key"
MERCHANT = "0b5c1a9e-8d61-4a8e-9d5f-000000000001"
GRILLS, DRINKS = "c1a9e0b5-0000-4000-8000-000000000001", "c1a9e0b5-0000-4000-8000-000000000002"
OLAYA, MALAZ = "b4a0c4e5-0000-4000-8000-000000000001", "b4a0c4e5-0000-4000-8000-000000000002"
SHAWARMA, KEBAB, WATER, LABAN = (f"d15ce500-0000-4000-8000-00000000000{n}" for n in range(1, 5))
FIRST_NUMBER = 1001


def category(id_, ar, en, order=0):
    return {"id": id_, "displayOrder": order, "nameAr": ar, "nameEn": en, "imageUrl": None}


def branch(id_, ar, en, latitude, longitude):
    city = {"id": "c17f", "nameAr": "الرياض", "nameEn": "Riyadh", "areas": []}
    return {"id": id_, "nameAr": ar, "nameEn": en, "city": city, "phoneNumber": "+966112345678",
            "latitude": latitude, "longitude": longitude, "imageUrl": None}  # fmt: skip


def product(id_, ar, en, price, **more):
    can = dict.fromkeys(
        ("isAvailableToDelivery", "isAvailableToReceipt", "isAvailableToLocalDemand", "isAvailableToOrderFromCar"), True
    )
    return {"id": id_, "avatar": None, "nameAr": ar, "nameEn": en, "descriptionAr": "", "descriptionEn": "",
            "price": price, "priceAfter": None, "images": [], **can, "isPriceIncludingAddons": False,
            "productAddons": [], "options": [], **more}  # fmt: skip


def add_on(id_, ar, en, price, least=0, most=1):
    return {"id": id_, "addonId": f"of-{id_}", "addonNameAr": ar, "addonNameEn": en, "price": price,
            "minQuantity": least, "maxQuantity": most}  # fmt: skip


def option(ar, en, *choices):
    subs = [{"id": id_, "nameAr": sub_ar, "nameEn": sub_en, "price": price} for id_, sub_ar, sub_en, price in choices]
    return {"nameAr": ar, "nameEn": en, "subOptions": subs}


CATEGORIES = [category(DRINKS, "مشروبات", "Drinks", 2), category(GRILLS, "مشويات", "Grills", 1)]
BRANCHES = [branch(OLAYA, "العليا", "Olaya", "24.6900", "46.6850"), branch(MALAZ, "الملز", "", "24.6600", "46.7300")]
SIZES = option("الحجم", "Size", ("5ub00000-0000-4000-8000-000000000001", "عادي", "Regular", 0),
               ("5ub00000-0000-4000-8000-000000000002", "كبير", "Large", "5.00"))  # fmt: skip
GARLIC = add_on("add00000-0000-4000-8000-000000000001", "ثومية", "Garlic sauce", "1.50", most=3)
PRODUCTS = {
    GRILLS: [
        product(SHAWARMA, "شاورما دجاج", "Chicken shawarma", "18.50", options=[SIZES], productAddons=[GARLIC]),
        product(KEBAB, "كباب", "", 30, priceAfter=24.75),
    ],
    DRINKS: [
        product(WATER, "ماء", "Water", "2", isAvailableToOrderFromCar=False),
        product(LABAN, "", "Laban", 4.5),
    ],
}


class Sufrah(misbehaving.Vendor):
    """`covered` says whether a place is delivered to; `orders` are those that were taken, by their numbers."""

    def __init__(self, ledger, callbacks=None, key=KEY):
        super().__init__(ledger, callbacks)
        self.handler, self.key, self.url = Handler, key, ""
        self.misbehaviour = []
        self.merchants, self.products, self.orders = {}, dict(PRODUCTS), {}
        self.covered = lambda latitude, longitude: {"isAvailable": latitude > 24, "nearestBranchId": OLAYA}
        self.add_merchant(MERCHANT, CATEGORIES, BRANCHES)

    def add_merchant(self, id_, categories=(), branches=(), products=None):
        self.merchants[id_] = {"categories": list(categories), "branches": list(branches)}
        self.products |= products or {}

    def calls(self, kind=None, merchant=None):
        """The ledger's lines, of one kind and merchant if that is asked for."""
        return [
            line for line in self.lines()
            if kind in (None, line["call"]) and merchant in (None, line.get("merchant"))
        ]  # fmt: skip

    def next_order_of(self, kind):
        with self._lock:
            for order in self.misbehaviour:
                if order.get("on", kind) == kind:
                    order["count"] -= 1
                    if order["count"] <= 0:
                        self.misbehaviour.remove(order)
                    return order
            return {"mode": "ok"}

    def order(self, wanted):
        """What `/_control` is told."""
        if "orderNumber" in wanted:
            self.move(str(wanted["orderNumber"]), wanted.get("status"), wanted.get("paymentStatus"))
            return
        with self._lock:
            if wanted.get("clear"):
                self.misbehaviour.clear()
            if "mode" in wanted:
                if wanted["mode"] not in misbehaving.MODES:
                    raise Refusal(400, {"message": f"modes are {', '.join(misbehaving.MODES)}"})
                self.misbehaviour.append({"count": 1} | wanted)

    def move(self, number, status=None, payment=None):
        """An order moves on, and the platform calls back."""
        order = self.orders.get(number)
        if order is None:
            raise Refusal(404, {"message": "no such order"})
        order["status"], order["payment"] = status or order["status"], payment or order["payment"]
        if self.callbacks:
            self.callbacks.plan([(json.dumps(self.callback(number)).encode(), {})])

    def callback(self, number):
        """The body that the platform posts about an order."""
        order = self.orders[number]
        return {"orderNumber": int(number), "status": order["status"], "paymentStatus": order["payment"],
                "merchantId": order["merchantId"], "branchId": order.get("branchId")}  # fmt: skip

    def events(self, line, order):
        return []

    def understand(self, method, path, headers, body):
        """The call as a line of the ledger, and what answers it. Raises Refusal."""
        if headers.get("Authorization") != f"ApiToken {self.key}":
            raise Refusal(401, {"message": "Unauthorized"})
        parts = urlsplit(path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        line = {"path": path, "key": headers.get("Idempotency-Key")}
        match [method, *(unquote(part) for part in parts.path.strip("/").split("/"))]:
            case ["GET", "merchants", merchant, "categories" | "branches" as kind]:
                return line | {"call": kind, "merchant": merchant}, lambda: self._merchant(merchant)[kind]
            case ["GET", "merchants", merchant]:
                return line | {"call": "merchant", "merchant": merchant}, lambda: self._about(merchant)
            case ["GET", "categories", category_id, "products"]:
                return line | {"call": "products"}, lambda: self._products(category_id)
            case ["GET", "addresses", "check-availability"]:
                return line | {"call": "coverage", "merchant": asked.get("MerchantId")}, lambda: self._coverage(asked)
            case ["GET", "orders", "status"]:
                return line | {"call": "status", "merchant": asked.get("MerchantId")}, lambda: self._status(asked)
            case ["POST", "orders", "submit"]:
                said = json.loads(body)
                line |= {"call": "submit", "merchant": said.get("merchantId"), "order": said}
                return line, lambda: self._submitted(said)
        raise Refusal(404, {"message": "Not found"})

    def _merchant(self, merchant):
        if merchant not in self.merchants:
            raise Refusal(404, {"message": "Merchant not found"})
        return self.merchants[merchant]

    def _about(self, merchant):
        self._merchant(merchant)
        return {"id": merchant, "name": "Bait Al-Sham", "isActive": True, "subscriptionStatus": "Active"}

    def _products(self, category_id):
        if category_id not in self.products:
            raise Refusal(404, {"message": "Category not found"})
        return self.products[category_id]

    def _coverage(self, asked):
        self._merchant(asked.get("MerchantId"))
        return self.covered(float(asked["Lat"]), float(asked["Lng"]))

    def _status(self, asked):
        order = self.orders.get(asked.get("OrderNumber"))
        if order is None or order["merchantId"] != asked.get("MerchantId"):
            raise Refusal(404, {"message": "Order not found"})
        return {"orderStatus": order["status"], "paymentStatus": order["payment"]}

    def _submitted(self, said):
        """Takes the order, so it is called once for each that counts as taken."""
        self._merchant(said.get("merchantId"))
        known = {item["id"] for items in self.products.values() for item in items}
        if not said.get("items") or any(item["productId"] not in known for item in said["items"]):
            raise Refusal(400, {"message": "Unknown product"})
        if said.get("orderType") not in ("Delivery", "Takeaway", "DineIn", "FromCar"):
            raise Refusal(400, {"message": "Invalid orderType"})
        if said.get("paymentMethod") not in ("Cash", "Online") or not said.get("customerPhone"):
            raise Refusal(400, {"message": "Invalid order"})
        with self._lock:
            number = FIRST_NUMBER + len(self.orders)
            self.orders[str(number)] = {**said, "status": "Received", "payment": "Pending"}
        online = said["paymentMethod"] == "Online"
        return {"orderNumber": number, "merchantId": said["merchantId"], "branchId": said.get("branchId"),
                "paymentLink": f"https://pay.example/{uuid.uuid4()}" if online else None}  # fmt: skip


class Handler(misbehaving.Handler):
    """Every call can meet an order of misbehaviour, not only a send; every call stands in the ledger."""

    def _serve(self, method, body):
        try:
            line, answer = self.vendor.understand(method, self.path, self.headers, body)
            order = self.vendor.next_order_of(line["call"])
            self._obey_call(order, line, answer)
        except Refusal as refusal:
            self._json(refusal.status, refusal.body)

    def _obey_call(self, order, line, answer):
        mode, made = order["mode"], {}
        taken = order.get("accepted", misbehaving.MODES[mode])
        try:
            if taken:
                made = answer()
                if line["call"] == "submit":
                    line["number"] = made["orderNumber"]
        finally:
            if "number" not in line:
                line.pop("order", None)
            self.vendor.note(line, order)
        time.sleep(order.get("delay_ms", 0) / 1000)
        getattr(self, f"_{mode}")(order, made)

    def _ok(self, order, made):
        if order.get("bare") and isinstance(made, list) and len(made) == 1:
            made = made[0]
        body = json.dumps(made, ensure_ascii=False)
        if "text" in order:
            number = made.get("orderNumber") if isinstance(made, dict) else ""
            body = order["text"].replace("{number}", str(number))
        self._answer(200, body.encode(), {"Content-Type": order.get("content_type", "application/json")})

    def _broken_json(self, order, made):
        body = json.dumps(made).encode()
        self._answer(200, body[: len(body) // 2])


@contextlib.contextmanager
def running(ledger, callbacks=None, key=KEY):
    """The platform on a port of this machine, for the tests of one process."""
    vendor = Sufrah(ledger, callbacks, key)
    server = misbehaving.server(vendor)
    vendor.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        vendor.close()


def main():
    parser = misbehaving.options(__doc__)
    parser.add_argument("--key", default=KEY)
    wanted = parser.parse_args()
    misbehaving.run(Sufrah(wanted.ledger, misbehaving.callbacks(wanted), wanted.key), wanted.port)


if __name__ == "__main__":
    main()
