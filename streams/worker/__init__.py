"""What carries the agents: the Faust application, delivery, health, shutdown."""
