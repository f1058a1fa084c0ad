"""What several tests use: a server in this process, and engines that do what a test tells them."""
