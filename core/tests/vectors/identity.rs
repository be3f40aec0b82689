//! The verbs of proofs and their revocation, on the façade.

use serde_json::json;
use sessile::{Result, Time};

use crate::calls::Stage;
use crate::compare::Got;
use crate::suite::Call;

impl Stage {
    /// `None`: it is no verb of these.
    pub fn on_identity(&self, verb: &str, call: &Call) -> Option<Result<Got>> {
        let token = || self.kept_text(call, "token").expect("a token");
        let issuer = || call.need::<String>("issuer");
        let revoked = match verb {
            "verify" => return Some(self.verify(&token())),
            "stats" => return Some(Ok(Got::Json(self.store.stats()))),
            "accept_logout_token" => {
                let alive = self.store.accept_logout_token(&token()).wait();
                return Some(alive.map(|alive| Got::Json(alive.to_string())));
            }
            "revoke_token" => self.store.revoke_token(&token()).wait(),
            "revoke_token_id" => self.store.revoke_token_id(&issuer(), &call.need::<String>("jti")).wait(),
            "revoke_issuer" => {
                let not_before = call.read::<String>("notBefore").map(|time| Time::parse(&time).expect("notBefore"));
                self.store.revoke_issuer(&issuer(), not_before).wait()
            }
            _ => return None,
        };
        Some(revoked.map(|()| Got::Done))
    }

    fn verify(&self, token: &str) -> Result<Got> {
        let proof = self.store.verify(token).wait()?;
        let proof = json!({
            "realm": proof.realm(),
            "subject": proof.subject(),
            "issuer": proof.issuer(),
            "id": proof.id(),
            "issuedAt": proof.issued_at().to_string(),
            "expiresAt": proof.expires_at().to_string(),
            "acr": proof.acr(),
            "authenticatedAt": proof.authenticated_at().map(|time| time.to_string()),
        });
        Ok(Got::Json(proof.to_string()))
    }
}
