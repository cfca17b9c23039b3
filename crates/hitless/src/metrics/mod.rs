//! `/metrics`: everything that is counted, in the exposition format of OpenMetrics.
//!
//! A [`Snapshot`] is asked of all modules at once, [`families`] makes named series of it, and the crate
//! `prometheus-client` writes them down. Counters are those of the data plane since it was loaded;
//! `clear module csm N counters` does not touch them, for a counter that goes back is a restart to
//! Prometheus.

mod families;
mod pair;
mod snapshot;

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use crate::api::app::App;
use families::families;
use snapshot::Snapshot;

/// The names of all series begin with it.
const PREFIX: &str = "hitless";

/// What a series does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// Series of one name.
#[derive(Debug)]
struct Family {
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    kind: Kind,
    samples: Vec<Sample>,
}

/// One series: its labels and its value.
type Sample = (Vec<(&'static str, String)>, f64);

/// The text.
///
/// # Errors
/// Why it cannot be written.
pub(crate) async fn text(app: &App) -> Result<String, String> {
    render(families(&Snapshot::take(app).await))
}

fn render(families: Vec<Family>) -> Result<String, String> {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(Scrape(families)));
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|error| error.to_string())?;
    Ok(text)
}

#[derive(Debug)]
struct Scrape(Vec<Family>);

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for Family { name, help, unit, kind, samples } in &self.0 {
            let metric = match kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
            };
            let mut series = encoder.encode_descriptor(name, help, unit.as_ref(), metric)?;
            for (labels, value) in samples {
                if labels.is_empty() {
                    one(&mut series, *kind, *value)?;
                } else {
                    one(&mut series.encode_family(labels)?, *kind, *value)?;
                }
            }
        }
        Ok(())
    }
}

fn one(series: &mut MetricEncoder<'_>, kind: Kind, value: f64) -> fmt::Result {
    match kind {
        Kind::Counter => series.encode_counter::<[(&str, &str); 0], f64, f64>(&value, None),
        Kind::Gauge => series.encode_gauge(&value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_have_help_unit_and_labels() {
        let labels = |slot: &str| vec![("module", slot.to_owned())];
        let family = |name, unit, kind| Family {
            name,
            help: "Something",
            unit,
            kind,
            samples: vec![(labels("5"), 2.0), (labels("6"), 3.5)],
        };
        let text = render(vec![
            family("packets", None, Kind::Counter),
            family("lease", Some(Unit::Seconds), Kind::Gauge),
        ]);
        let expected = "\
# HELP hitless_packets Something.
# TYPE hitless_packets counter
hitless_packets_total{module=\"5\"} 2.0
hitless_packets_total{module=\"6\"} 3.5
# HELP hitless_lease_seconds Something.
# TYPE hitless_lease_seconds gauge
# UNIT hitless_lease_seconds seconds
hitless_lease_seconds{module=\"5\"} 2.0
hitless_lease_seconds{module=\"6\"} 3.5
# EOF
";
        let text = text.unwrap();
        let without_period = expected.replace("Something.", "Something");
        assert!(text == expected || text == without_period, "{text}");
    }
}
