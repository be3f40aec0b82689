//! The verbs of configurations and of the life of users' sessions, on the façade.

use serde_json::Value;
use sessile::Result;

use crate::calls::Stage;
use crate::compare::{Got, with_kept};
use crate::suite::Call;

impl Stage {
    pub fn on_lifecycle(&mut self, verb: &str, call: &Call) -> Result<Got> {
        let (configs, sessions) = (self.store.configs(), self.store.sessions());
        let tag = || call.need::<String>("tag");
        let given = |member: &str| call.json(member);
        let text = |member: &str| self.kept_text(call, member);
        let user = given("user").unwrap_or_default();
        let page = call.read::<Value>("page").map(|page| with_kept(page, &self.texts).to_string());
        let page = page.as_deref();
        let object = match verb {
            "config_create" => {
                let definition = call.read("definitionText").or_else(|| given("definition"));
                configs.create(&definition.expect("config_create has a definition")).wait()?
            }
            "config_get" => configs.get(&tag()).wait()?,
            "config_list" => configs.list(page).wait()?,
            "config_update" => configs.update(&tag(), &given("changes").expect("changes")).wait()?,
            "config_delete" => {
                configs.delete(&tag(), call.read("force").unwrap_or(false)).wait()?;
                return Ok(Got::Done);
            }
            "config_export" => configs.export(given("tags").as_deref()).wait()?,
            "config_import" => {
                let document = given("document").expect("config_import has a document");
                configs.import(&document, call.read("replace").unwrap_or(false)).wait()?
            }
            "selector_options" => {
                let schema = call.read("schemaText").or_else(|| given("schema"));
                sessile::selector_options(&schema.expect("selector_options has a schema"))?
            }
            "start" => {
                let data = call.read("dataText").or_else(|| given("data"));
                sessions.start(&tag(), &data.expect("start has data"), call.read("ttl")).wait()?
            }
            "session_verify" => sessions.verify(&text("token").expect("a token")).wait()?,
            "refresh" => sessions.refresh(&text("token").expect("a token")).wait()?,
            "revoke" => {
                sessions.revoke(&text("session").expect("a session")).wait()?;
                return Ok(Got::Done);
            }
            "revoke_all" => {
                let revoked = sessions.revoke_all(&tag(), &user, text("except").as_deref()).wait()?;
                return Ok(Got::Json(revoked.to_string()));
            }
            "session_list" => sessions.list(&tag(), given("user").as_deref(), page).wait()?,
            "session_update" => {
                sessions.update(&text("session").expect("a session"), &given("data").expect("data")).wait()?;
                return Ok(Got::Done);
            }
            "session_extend" => {
                let end = sessions.extend(&text("session").expect("a session"), call.need("ttl")).wait()?;
                return Ok(Got::Json(Value::from(end.map(|end| end.to_string())).to_string()));
            }
            "users" => sessions.users(&tag(), page).wait()?,
            "user" => sessions.user(&tag(), &user).wait()?,
            "dashboard" => sessions.dashboard(&tag()).wait()?,
            "forget" => return Ok(Got::Json(sessions.forget(&tag(), &user).wait()?.to_string())),
            "sweep" => return Ok(Got::Json(self.store.sweep(call.need("budget")).wait()?.to_string())),
            other => panic!("no such call on a store: {other}"),
        };
        self.keep_members(call, &object);
        Ok(Got::Json(object))
    }
}
