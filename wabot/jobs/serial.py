"""Tasks as JSON: whoever can write the file must not be able to run code (pickle would let them)."""

import json
from datetime import datetime
from typing import Any

from huey.registry import Message
from huey.serializer import Serializer


class JsonSerializer(Serializer):
    """Only a task's name, id and plain arguments; anything else is refused when it is enqueued."""

    def _serialize(self, data: Any) -> bytes:
        if isinstance(data, Message):
            if data.on_complete or data.on_error or data.chord_config:
                raise TypeError("pipelines and chords are not used")
            fields = ("id", "name", "retries", "retry_delay", "args", "kwargs")
            task = {field: getattr(data, field) for field in fields} | {"eta": data.eta and data.eta.isoformat()}
            return json.dumps({"task": task}).encode()
        return json.dumps({"value": data}).encode()

    def _deserialize(self, data: bytes) -> Any:
        loaded = json.loads(data)
        if "task" not in loaded:
            return loaded["value"]
        task = loaded["task"]
        return Message(
            id=task["id"],
            name=task["name"],
            eta=datetime.fromisoformat(task["eta"]) if task["eta"] else None,
            retries=task["retries"],
            retry_delay=task["retry_delay"],
            priority=None,
            args=tuple(task["args"]),
            kwargs=task["kwargs"],
            on_complete=None,
            on_error=None,
        )
