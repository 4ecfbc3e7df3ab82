"""``python -m zentra.demo.consumer``."""

from zentra.demo.consumer.server import main

raise SystemExit(main())
