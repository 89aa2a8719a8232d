"""Pretrained image backbones: what there is, where the weights are found, how they are read."""
