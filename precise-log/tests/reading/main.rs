//! Logs as others see them: checked, followed, served; and others' logs as we see them.

mod fixture;
mod fsck;
mod judge;
mod monitor;
mod s3;
mod serve;
