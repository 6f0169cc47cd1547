"""What the system tests stand on: a scripted upstream, the gateway as a process, and clients."""
