"""Analysis of the packets of a stream by their bits: pictures, their order, and where decoding may begin.

Containers repeat some of this (key flags, presentation times), but are often wrong. Each module reads only the headers
of one family of codecs; `readers.reader` chooses the module.
"""
