"""Follow gradients and units in a training loop of one's own."""

import torch
from torch import nn

from inscape import data, gradients, training

x, y = data.load("digits")
x = x.flatten(1)
model = training.mlp([64, 48, 48, 10], activation="tanh")
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
order = torch.Generator().manual_seed(0)

tracker = gradients.track(needed=30)
for _ in range(5):
    for batch in torch.randperm(len(x), generator=order).split(64):
        optimizer.zero_grad()
        with tracker.watch(model):  # forward pass, loss and backward pass
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
        optimizer.step()
    tracker.end_epoch()

track = tracker.result()
summary = track.summary()
figure = track.plot()  # units with too few samples; track.info(which="norms") and others are drawn by render
