"""What the administrator of an operator lets pipelines ask for: the settings, and the rules that read them."""
