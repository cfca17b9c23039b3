//! `(config-slb-probe-http)`: what is asked for.

use super::answer::{status, wrong_kind};
use crate::commands::forms::{Family, Saying, forms, may, must};
use crate::commands::{label, shown_key};
use crate::grammar::{Command, Element, Kind, Refusal, Value, arg, keyword};
use crate::model::{Credentials, HttpCheck, HttpMethod, Probe, ProbeCheck};

fn http_of(probe: &mut Probe) -> Result<&mut HttpCheck, Refusal> {
    if let ProbeCheck::Http(check) = &mut probe.check { Ok(check) } else { Err(wrong_kind()) }
}

pub(super) fn http() -> Vec<Command<Probe>> {
    let mut commands = request();
    commands.push(header());
    commands.extend(credentials());
    commands.extend(status());
    commands
}

const REQUEST: Element = keyword("request", "What is asked for");
const METHOD: Element = keyword("method", "How");
const URL: Element = keyword("url", "What");
const URL_TEXT: Element = arg(Kind::Word, "Path, as /index.html");

fn request() -> Vec<Command<Probe>> {
    let methods = vec![
        Vec::new(),
        vec![METHOD, keyword("get", "The whole answer (default)")],
        vec![METHOD, keyword("head", "Its headers")],
    ];
    let mut paths = forms(&[must(&[REQUEST]), methods, may(&[URL, URL_TEXT])]);
    paths.retain(|path| path.len() > 1);
    let family = Family::<Probe> {
        set: |probe, args| {
            let http = http_of(probe)?;
            if args.says("method") {
                let head = args.says("head");
                http.method = if head { HttpMethod::Head } else { HttpMethod::Get };
            }
            if args.says("url") {
                http.url = Some(label(args.get(0)?)?);
            }
            Ok(())
        },
        reset: |probe, _| {
            let http = http_of(probe)?;
            http.method = HttpMethod::Get;
            http.url = None;
            Ok(())
        },
        shows: |probe, lines| {
            let ProbeCheck::Http(http) = &probe.check else { return };
            let mut saying = Saying::new(&[REQUEST]);
            if http.method == HttpMethod::Head {
                saying.and(&[METHOD, keyword("head", "")], []);
            }
            if let Some(url) = &http.url {
                saying.and(&[URL, URL_TEXT], [Value::Word(url.to_string())]);
            }
            if http.method == HttpMethod::Head || http.url.is_some() {
                saying.print(lines);
            }
        },
    };
    family.commands(1, &paths)
}

fn header() -> Command<Probe> {
    let path = [
        keyword("header", "A header of the request"),
        arg(Kind::Word, "Its name"),
        arg(Kind::Word, "Its value"),
    ];
    Command::<Probe>::new(&path)
        .sets(|probe, args| {
            let (name, value) = (label(args.get(0)?)?, label(args.get(1)?)?);
            http_of(probe)?.headers.insert(name, value);
            Ok(())
        })
        .resets(2, |probe, args| {
            let name = label(args.get(0)?)?;
            http_of(probe)?.headers.remove(&name);
            Ok(())
        })
        .shows(|probe, lines| {
            let ProbeCheck::Http(http) = &probe.check else { return };
            for (name, value) in &http.headers {
                lines.line(&[Value::Word(name.to_string()), Value::Word(value.to_string())]);
            }
        })
}

fn credentials() -> Vec<Command<Probe>> {
    let user = [keyword("credentials", "Who asks"), arg(Kind::Word, "User")];
    let password = arg(Kind::Secret, "Password");
    let family = Family::<Probe> {
        set: |probe, args| {
            let password = args.find().map(shown_key).transpose()?;
            let user = label(args.get(0)?)?;
            http_of(probe)?.credentials = Some(Credentials { user, password });
            Ok(())
        },
        reset: |probe, _| {
            http_of(probe)?.credentials = None;
            Ok(())
        },
        shows: |probe, lines| {
            let ProbeCheck::Http(http) = &probe.check else { return };
            let Some(credentials) = &http.credentials else { return };
            let mut saying = Saying::new(&[keyword("credentials", "")]);
            saying.and(&[arg(Kind::Word, "")], [Value::Word(credentials.user.to_string())]);
            if let Some(password) = &credentials.password {
                saying.and(&[arg(Kind::Secret, "")], [Value::Secret(password.clone())]);
            }
            saying.print(lines);
        },
    };
    family.commands(1, &forms(&[must(&user), may(&[password])]))
}
