"""Chaos: web and consumer as real processes beside a provider that misbehaves and keeps a ledger of its own; kills,
stops and jumps of the clock; then everything is restarted, drained, and held against the invariants of DESIGN §5.

    python -m tests.chaos --minutes 30 [--seed N]     the long run (`make chaos`)
    python -m tests.chaos.broken [NAME …]             the short run against builds that were broken on purpose

`world` is the cast; `provider` the process that imitates vendors, with `vendors`, `traffic`, `courier` and `faults`;
`stack` what is started and killed, `storm` the plan of events and its run, `agents` the API's callers, `operator` what
a person does by hand, `watch` what looks on. `evidence` gathers what `oracle` judges: pure functions over a `history`,
with tests that show each invariant broken; its `doors` look at what is shown.
"""
