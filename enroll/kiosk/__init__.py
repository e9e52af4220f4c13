"""The enrolment kiosk: pages for a touch screen beside the gate, over the gate's own store."""
