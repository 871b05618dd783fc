"""What the bot says. Pure: state, a message and the menu in; a new state and drafts out. No I/O, no clock."""
