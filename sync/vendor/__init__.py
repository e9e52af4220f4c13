"""Face terminals of other makers that speak the `mqtt/face/…` protocol: see docs/vendor-gates.md."""
