"""The former name of :class:`tagger.holders.plan.HolderPlan`."""

from tagger.holders.plan import HolderPlan as HolderOptions

__all__ = ["HolderOptions"]
