"""The formats of the stage `write`: Parquet, MDS, Lance and LeRobot, each with its writer and its views."""
