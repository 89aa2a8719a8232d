"""Leave-one-out: how far the log-odds fall when one segment is taken out.

It draws nothing, so it gives the same weights each time. ``singly`` says what happens to a long
text.

Source: Li, Monroe and Jurafsky 2016, "Understanding Neural Networks through Representation
Erasure", arXiv:1612.08220.
"""

from __future__ import annotations

from modelwright.explaining.singly import SinglyWeighed, falls

METHOD = SinglyWeighed("leave-one-out", falls)
