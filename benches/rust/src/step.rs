//! A GET step of three fields into a message, text in and text out.

use serde::de::IgnoredAny;
use serde_json::{Value, json};
use sessile::{Options, Step, Store};

use crate::Outcome;
use crate::bench::Bench;

pub fn run(bench: &Bench) -> Outcome {
    for (size, message) in &bench.payloads.messages {
        let name = format!("rust.step.{size}");
        if !bench.plan.wants(&name) {
            continue;
        }
        let store = Store::open(Options::new("memory:")).wait()?;
        let run = store.execution(None, None)?;
        run.local().put(bench.payloads.put.get(), None).wait()?;
        let step = Step::parse(bench.payloads.step.get())?;
        let expected: Value = serde_json::from_str(&get(&run, &step, message))?;
        let put: Value = serde_json::from_str(bench.payloads.put.get())?;
        let fields: Vec<&str> = step.fields().collect();
        let by_value = |message: &str| {
            let mut message: Value = serde_json::from_str(message).expect("a message");
            for field in &fields {
                message[*field] = put[*field].clone();
            }
            message.to_string()
        };
        assert_eq!(serde_json::from_str::<Value>(&by_value(message))?, expected);
        let spliced = Spliced::new(message, &put)?;
        assert_eq!(serde_json::from_str::<Value>(&spliced.splice(message))?, expected);

        let mut group = bench.group(&name);
        group.add("sessile GET step", |_| run.step(&step, Some(message)).wait().expect("a message"));
        group.add("serde_json Value: parse, set, print", |_| by_value(message));
        group.add("text spliced by hand at known places", |_| spliced.splice(message));
        group.add("floor: serde_json IgnoredAny + memcpy", |_| {
            serde_json::from_str::<IgnoredAny>(message).expect("a message");
            message.clone()
        });
        group.run();
    }
    Ok(())
}

fn get(run: &sessile::Execution, step: &Step, message: &str) -> String {
    let output = run.step(step, Some(message)).wait().expect("a message");
    output.text().unwrap_or(message).to_owned()
}

/// Where the member that is replaced lies, and what comes there and at the end: what nobody can know beforehand.
struct Spliced {
    from: usize,
    to: usize,
    total: String,
    rest: String,
}

impl Spliced {
    fn new(message: &str, put: &Value) -> Outcome<Spliced> {
        let name = "\"total\":";
        let from = message.find(name).ok_or("no total")? + name.len();
        let to = from + message[from..].find([',', '}']).ok_or("no end")?;
        let rest = format!(",\"email\":{},\"cart\":{}}}", json!(put["email"]), json!(put["cart"]));
        Ok(Spliced { from, to, total: put["total"].to_string(), rest })
    }

    fn splice(&self, message: &str) -> String {
        let mut out = String::with_capacity(message.len() + self.total.len() + self.rest.len());
        out.push_str(&message[..self.from]);
        out.push_str(&self.total);
        out.push_str(&message[self.to..message.len() - 1]);
        out.push_str(&self.rest);
        out
    }
}
