//! What needs two devices or two packages to test.
