"""wabot: a WhatsApp bot backend for many tenants, in one SQLite file."""

__version__ = "0.1.0"
