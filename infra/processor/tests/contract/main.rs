//! The Stripe client against the scripted processor: what each call gives, in good times and in bad ones.

mod calls;
mod declines;
mod losses;
mod pages;
mod run;
mod webhooks;
