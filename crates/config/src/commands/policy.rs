//! `(config-slb-policy)`: where connections go that fit, as far as addresses decide.

use super::forms::{Family, Saying, forms, may, must};
use super::{finish, label, small};
use crate::grammar::{Args, Command, Element, Kind, Lines, Refusal, Table, Value, arg, keyword};
use crate::model::{Backup, Name, Policy};

const FARM: Element = keyword("serverfarm", "Server farm that serves them");
const FARM_NAME: Element = arg(Kind::Name, "Its name");
const BACKUP: Element =
    keyword("backup", "Server farm that serves while no real of the first does");
const STICKY: Element = keyword("sticky", "What it served sticks");
const GROUP: Element = arg(Kind::StickyGroup, "Number of the group");

pub(super) fn table() -> Table<Policy> {
    let mut commands = vec![client_group()];
    commands.extend(farm());
    commands.extend([sticky_group(), reverse_sticky(), dscp()]);
    let commands = commands.into_iter().map(|command| command.without_effect("a policy"));
    finish(commands.collect())
}

fn client_group() -> Command<Policy> {
    let path = [
        keyword("client-group", "Clients that it is for"),
        arg(Kind::Word, "Number or name of an access list"),
    ];
    Command::<Policy>::new(&path)
        .sets(|policy, args| {
            policy.client_group = Some(label(args.get(0)?)?);
            Ok(())
        })
        .clears(1, |policy| policy.client_group = None)
        .shows(|policy, lines| {
            if let Some(group) = &policy.client_group {
                lines.line(&[Value::Word(group.to_string())]);
            }
        })
}

/// Every form of `serverfarm F [backup B [sticky]]`.
pub(super) fn farm_forms() -> Vec<Vec<Element>> {
    let mut forms = forms(&[must(&[FARM, FARM_NAME]), may(&[BACKUP, FARM_NAME])]);
    forms.push(vec![FARM, FARM_NAME, BACKUP, FARM_NAME, STICKY]);
    forms
}

/// The farm and its backup that a line says.
pub(super) fn farms_of(args: &Args) -> Result<(Name, Option<Backup>), Refusal> {
    let backup = args.optional(1).map(|farm| Backup { farm, is_sticky: args.says("sticky") });
    Ok((args.get(0)?, backup))
}

/// Prints a farm and its backup.
pub(super) fn show_farms(farm: Option<&Name>, backup: Option<&Backup>, lines: &mut Lines<'_>) {
    let Some(farm) = farm else { return };
    let mut saying = Saying::new(&[FARM]);
    saying.and(&[FARM_NAME], [Value::Name(farm.clone())]);
    if let Some(backup) = backup {
        saying.and(&[BACKUP, FARM_NAME], [Value::Name(backup.farm.clone())]);
        if backup.is_sticky {
            saying.and(&[STICKY], []);
        }
    }
    saying.print(lines);
}

fn farm() -> Vec<Command<Policy>> {
    let family = Family::<Policy> {
        set: |policy, args| {
            let (farm, backup) = farms_of(args)?;
            policy.farm = Some(farm);
            policy.backup = backup;
            Ok(())
        },
        reset: |policy, _| {
            policy.farm = None;
            policy.backup = None;
            Ok(())
        },
        shows: |policy, lines| show_farms(policy.farm.as_ref(), policy.backup.as_ref(), lines),
    };
    family.commands(1, &farm_forms())
}

fn sticky_group() -> Command<Policy> {
    Command::<Policy>::new(&[keyword("sticky-group", "Clients keep their real"), GROUP])
        .sets(|policy, args| {
            policy.sticky_group = Some(args.get(0)?);
            Ok(())
        })
        .clears(1, |policy| policy.sticky_group = None)
        .shows(|policy, lines| {
            if let Some(group) = policy.sticky_group {
                lines.line(&[Value::StickyGroup(group)]);
            }
        })
}

fn reverse_sticky() -> Command<Policy> {
    Command::<Policy>::new(&[keyword("reverse-sticky", "Reals keep their clients"), GROUP])
        .sets(|policy, args| {
            policy.reverse_sticky = Some(args.get(0)?);
            Ok(())
        })
        .clears(1, |policy| policy.reverse_sticky = None)
        .shows(|policy, lines| {
            if let Some(group) = policy.reverse_sticky {
                lines.line(&[Value::StickyGroup(group)]);
            }
        })
}

fn dscp() -> Command<Policy> {
    let path = [
        keyword("set", "Mark packets"),
        keyword("ip", "In the header of IP"),
        keyword("dscp", "Code point"),
        arg(Kind::Number { min: 0, max: 63 }, "Code point"),
    ];
    Command::<Policy>::new(&path)
        .sets(|policy, args| {
            policy.dscp = Some(small(args.get(0)?)?);
            Ok(())
        })
        .clears(3, |policy| policy.dscp = None)
        .shows(|policy, lines| {
            if let Some(dscp) = policy.dscp {
                lines.line(&[Value::Number(dscp.into())]);
            }
        })
}
