"""Order routers: which venue to send the next order to, from what a few venues have shown so far.

`policy` says what a routing policy is; `ising_policy`, `tables` and `winner` hold the policies, `catalogue` their
names. `router` is the engine agent, `paths` follows a policy over a table of labels, many runs at once in JAX.
Nothing here imports JAX before it is needed.
"""
