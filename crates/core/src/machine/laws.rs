//! The laws of every machine, checked on a script of operations.

use std::fmt::Debug;
use std::time::Duration;

use hitless_model::Instant;

use super::Machine;

/// How a script reaches a machine.
pub(crate) struct Bench<N, A> {
    /// Makes the machine at the start of the script.
    pub(crate) new: N,
    /// Hands one operation to it.
    pub(crate) apply: A,
    /// Outputs of one call at most.
    pub(crate) max_outputs: usize,
}

const START: Instant = Instant::from_nanos(1_000_000_000);

impl<N, A> Bench<N, A> {
    /// Plays `script` (waits, then operations) on machines that have to agree: one that is called
    /// only when it is due, one that is also called early, and one that is told old times.
    pub(crate) fn check<M, Op>(&self, script: &[(Duration, Op)])
    where
        N: Fn(Instant) -> M,
        A: Fn(&mut M, Instant, &Op),
        M: Machine,
        M::Output: PartialEq + Debug,
    {
        let mut machines = [(); 3].map(|()| (self.new)(START));
        let mut now = START;
        self.agree(&mut machines);
        for (wait, operation) in script {
            let until = now + *wait;
            self.pass(&mut machines, now, until);
            now = until;
            let [plain, early, confused] = &mut machines;
            (self.apply)(plain, now, operation);
            (self.apply)(early, now, operation);
            confused.handle_deadline(now);
            (self.apply)(confused, now.saturating_sub(Duration::from_millis(70)), operation);
            self.agree(&mut machines);
        }
        self.pass(&mut machines, now, now + Duration::from_secs(1));
    }

    fn pass<M: Machine>(&self, machines: &mut [M; 3], from: Instant, until: Instant)
    where
        M::Output: PartialEq + Debug,
    {
        let mut asked = from;
        while let Some(due) = machines[0].next_deadline().filter(|due| due.at <= until) {
            let now = due.at.max(asked);
            asked = now;
            let before = now.saturating_sub(Duration::from_nanos(1));
            if before >= from && due.at == now {
                machines[1].handle_deadline(before);
                assert_eq!(outputs(&mut machines[1]), [], "an early call says nothing");
                assert_eq!(machines[1].next_deadline().map(|d| d.at), Some(due.at));
            }
            for machine in machines.iter_mut() {
                machine.handle_deadline(now);
            }
            let next = machines[0].next_deadline();
            assert!(
                next.is_none_or(|next| next.at > now),
                "after {:?} at {now:?} the next deadline has to be later: {next:?}",
                due.why,
            );
            self.agree(machines);
        }
    }

    fn agree<M: Machine>(&self, machines: &mut [M; 3])
    where
        M::Output: PartialEq + Debug,
    {
        let said = machines.each_mut().map(outputs);
        assert!(said[0].len() <= self.max_outputs, "{} outputs", said[0].len());
        assert_eq!(said[0], said[1], "an early call changes nothing");
        assert_eq!(said[0], said[2], "a time in the past counts as the present");
    }
}

fn outputs<M: Machine>(machine: &mut M) -> Vec<M::Output> {
    std::iter::from_fn(|| machine.poll_output()).collect()
}
