"""Who trades: belief agents, liquidity providers, snipers, routers, flow."""

__marketsim__ = "0.1.0"
