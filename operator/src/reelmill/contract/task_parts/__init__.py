"""What a task consists of besides its data sets: limits, what follows it, and what its reports say."""
