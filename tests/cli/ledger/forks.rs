//! Accounts that several transcripts or machines share.

use super::{Log, OPUS, assert_alone, session, totals};
use crate::world::World;

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_fork_has_the_account_of_its_original_in_it() {
    let original = session().ends(7, &[(OPUS, [20, 700])]);
    let fork = Log::new("two")
        .copies(&original, false)
        .asks(9, 960, OPUS, [10, 300])
        .ends(7, &[(OPUS, [30, 1150])]);
    assert_alone(&[&original, &fork], [30, 1150]);
    // The original goes on, and a fork is forked.
    let more = original
        .clone()
        .asks(10, 1000, OPUS, [10, 10])
        .ends(7, &[(OPUS, [40, 800])]);
    assert_alone(&[&more, &fork], [50, 1250]);
    let again = Log::new("0")
        .copies(&fork, false)
        .asks(11, 1100, OPUS, [10, 10])
        .ends(7, &[(OPUS, [50, 1200])]);
    assert_alone(&[&original, &fork, &again], [50, 1200]);
    // The names order the other way round.
    let fork = Log::new("0")
        .copies(&original, false)
        .asks(9, 960, OPUS, [10, 300])
        .ends(7, &[(OPUS, [30, 1150])]);
    assert_alone(&[&original, &fork], [30, 1150]);
    // The original was killed, or is not there any more.
    let killed = session();
    assert_alone(&[&killed, &fork], [30, 1150]);
    assert_alone(&[&fork], [30, 1150]);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_branch_and_a_cleared_session_begin_anew() {
    let original = session().ends(7, &[(OPUS, [20, 700])]);
    for name in ["two", "0"] {
        let branch = Log::new(name)
            .copies(&original, true)
            .asks(9, 960, OPUS, [10, 300])
            .ends(8, &[(OPUS, [10, 350])]);
        assert_alone(&[&original, &branch], [30, 1050]);
        let cleared = Log::new(name)
            .asks(9, 960, OPUS, [10, 300])
            .ends(9, &[(OPUS, [10, 350])]);
        assert_alone(&[&original, &cleared], [30, 1050]);
    }
}

/// Two machines: each has some transcripts. What both see is asserted in each order of their syncs.
fn assert_together(adas: &[&Log], bobs: &[&Log], expected: [u64; 2]) {
    for order in [[0, 1], [1, 0]] {
        let world = World::new();
        let machines = [world.machine("ada"), world.machine("bob")];
        for (machine, logs) in machines.iter().zip([adas, bobs]) {
            logs.iter().for_each(|log| log.write(machine));
            machine.init();
        }
        for at in order.into_iter().chain(order) {
            machines[at].sync(&[]);
        }
        for machine in &machines {
            assert_eq!(
                totals(&machine.report(&["daily"])),
                expected,
                "{} of {order:?}",
                machine.name
            );
        }
        assert_eq!(machines[0].manifest(), machines[1].manifest());
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn copies_on_two_machines_count_once() {
    let one = session().ends(7, &[(OPUS, [20, 700])]);
    assert_together(&[&one], &[&one], [20, 700]);
    let (here, there) = (
        one.clone()
            .asks(3, 900, OPUS, [10, 50])
            .ends(7, &[(OPUS, [30, 800])]),
        one.clone()
            .asks(4, 905, OPUS, [10, 50])
            .ends(7, &[(OPUS, [35, 790])]),
    );
    assert_together(&[&here], &[&there], [45, 890]);
    assert_together(&[&here], &[&one], [30, 800]);
    // The copy was made before the state was written.
    assert_together(&[&one], &[&session()], [20, 700]);
    // A fork where the original was copied to.
    let fork = Log::new("two")
        .copies(&one, false)
        .asks(9, 960, OPUS, [10, 300])
        .ends(7, &[(OPUS, [30, 1150])]);
    assert_together(&[&one], &[&one, &fork], [30, 1150]);
    assert_together(&[&here], &[&one, &fork], [40, 1250]);
    // The original was cleaned up before it was read there.
    assert_together(&[&one], &[&fork], [30, 1150]);
}

#[test]
fn what_is_forgotten_does_not_come_back_with_a_fork() {
    let world = World::new();
    let ada = world.machine("ada");
    let original = session().ends(7, &[(OPUS, [20, 700])]);
    original.write(&ada);
    ada.init().sync(&[]);
    ada.sync(&["forget", "--session", "one", "--yes"]);
    assert_eq!(totals(&ada.report(&["daily"])), [0, 0]);
    let fork = Log::new("two")
        .copies(&original, false)
        .asks(9, 960, OPUS, [10, 300])
        .ends(7, &[(OPUS, [30, 1150])]);
    fork.write(&ada);
    ada.sync(&[]);
    // What the fork's account has beyond its own requests cannot be told from what was forgotten.
    assert_eq!(totals(&ada.report(&["daily"])), [10, 300]);
    fork.asks(10, 1000, OPUS, [1, 1])
        .ends(7, &[(OPUS, [40, 1200])])
        .write(&ada);
    ada.sync(&[]);
    assert_eq!(totals(&ada.report(&["daily"])), [20, 350]);
}
