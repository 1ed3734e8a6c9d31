"""The referral service: needs become offers of help at providers, and each referral is followed until it is over."""

__version__ = "0.1.0"
