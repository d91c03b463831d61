"""What the packets of a stream hold, read from their own bits: which pictures, in which order, and where decoding may
begin.

Containers repeat some of this (key flags, presentation times), and are wrong about it often enough. Each module reads
the headers of one family of codecs and nothing behind them; `units.reader` chooses.
"""
