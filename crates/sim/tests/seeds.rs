//! Thousands of seeds: anything may fail, nothing bad may happen, and everything settles at last.
//!
//! `HITLESS_SIM_SEED=N` runs one seed alone. A failing seed says how to see it again.

use hitless_sim::{Tally, explain, run_seeds};

/// As many as fit into the time that a test run may take.
const SEEDS: u64 = 3_000;

#[test]
fn every_invariant_holds_for_every_seed() {
    let seeds = match std::env::var("HITLESS_SIM_SEED") {
        Ok(seed) => {
            let seed = seed.parse().expect("HITLESS_SIM_SEED is a number");
            seed..seed + 1
        }
        Err(_) => 0..SEEDS,
    };
    let alone = seeds.end - seeds.start == 1;
    let tally = run_seeds(seeds, 3);
    let reports: Vec<String> = tally.failed.iter().map(|(seed, _)| explain(*seed)).collect();
    assert!(reports.is_empty(), "{}", reports.join("\n"));
    if !alone {
        everything_was_tried(&tally);
    }
}

/// A simulation in which nothing happens holds too: it has to have been rough.
fn everything_was_tried(tally: &Tally) {
    let stats = &tally.stats;
    let tried = [
        ("role changes", stats.role_changes, 10_000),
        ("actives", stats.actives, 5_000),
        ("handovers", stats.drains, 1_000),
        ("splits", stats.splits, 50),
        ("crashes", stats.crashes, 1_000),
        ("pauses", stats.pauses, 2_000),
        ("stops", stats.stops, 500),
        ("reloads", stats.reloads, 3_000),
        ("processes replaced", stats.replaced, 2_000),
        ("lives that went on as active", stats.resumed, 1_500),
        ("leases that ran out", stats.leases_expired, 300),
        ("handovers refused", stats.handovers_refused, 100),
        ("hostile frames", stats.hostile, 50_000),
        ("connections", stats.established, 50_000),
        ("connections broken", stats.broken, 100),
        ("lost reports", stats.captures_lost, 50),
        ("refused records", stats.refused, 10),
    ];
    for (what, count, least) in tried {
        assert!(count >= least, "only {count} {what}, expected {least} or more");
    }
}
