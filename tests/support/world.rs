//! A small world to test in: a master reseller of its own on a platform that may hold others, and what is built under it.

use serde_json::{Value, json};

use crate::support::api::{Answer, Api, Target};

/// An account and the API with an owner key of it.
#[derive(Clone)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// The API with its own owner key.
    pub api: Api,
}

/// A platform and a master reseller that nothing else uses.
pub struct World {
    /// The platform.
    pub target: Target,
    /// The master reseller.
    pub master: Node,
}

impl World {
    /// A world on the platform of [`Target::start`].
    pub async fn new() -> Self {
        Self::on(Target::start().await).await
    }

    /// A world on a platform in this process, whatever the environment says.
    pub async fn in_process() -> Self {
        Self::on(Target::in_process().await).await
    }

    /// A world on a platform that stands already.
    pub async fn on(target: Target) -> Self {
        let master = master(&target, json!({})).await;
        Self { target, master }
    }

    /// The operator.
    pub fn operator(&self) -> &Api {
        &self.target.operator
    }

    /// Another master reseller, with more members in its request.
    pub async fn other_master(&self, more: Value) -> Node {
        master(&self.target, more).await
    }

    /// A text used nowhere yet.
    pub fn unique(&self, what: &str) -> String {
        self.target.nobody.unique(what)
    }

    /// A sub-account of `parent` with more members in its request; made by the operator.
    pub async fn create(&self, parent: &str, more: Value) -> Answer {
        let mut body = json!({ "name": self.unique("Account"), "parent_id": parent });
        merge(&mut body, more);
        self.operator().pay("/reseller/accounts/create", body).send().await.is(201)
    }

    /// The id of a new customer of `parent`.
    pub async fn child_of(&self, parent: &str) -> String {
        self.create(parent, json!({})).await.id()
    }

    /// A new reseller below `parent`, with an owner key.
    pub async fn reseller_of(&self, parent: &str) -> Node {
        let id = self.create(parent, json!({ "kind": "reseller" })).await.id();
        Node { api: self.key_for(&id, "owner").await, id }
    }

    /// The id of a new customer of `parent` with credit.
    pub async fn funded_child_of(&self, parent: &str, amount: &str) -> String {
        let id = self.child_of(parent).await;
        self.fund(&id, amount).await;
        id
    }

    /// The API with a new key at an account; made by the operator.
    pub async fn key_for(&self, account: &str, role: &str) -> Api {
        self.target.nobody.with(&self.new_key(account, role).await.1)
    }

    /// A new key's id and secret.
    pub async fn new_key(&self, account: &str, role: &str) -> (String, String) {
        let path = format!("/reseller/accounts/{account}/keys");
        let key = self.operator().post(&path, json!({ "name": "Key", "role": role })).send().await.is(201);
        (key.id(), key.word("secret").to_owned())
    }

    /// Issues credit to an account.
    pub async fn fund(&self, account: &str, amount: &str) -> Answer {
        let body = json!({ "account_id": account, "amount": amount });
        self.operator().pay("/reseller/credits/issue", body).send().await.is(201)
    }

    /// What an account can spend before its limit.
    pub async fn available(&self, account: &str) -> String {
        self.balance(account).await.word("available").to_owned()
    }

    /// An account's balance.
    pub async fn balance(&self, account: &str) -> Answer {
        self.operator().get(&format!("/reseller/credits/balance?account_id={account}")).send().await.is(200)
    }

    /// Suspends an account.
    pub async fn suspend(&self, account: &str) {
        self.operator().delete(&format!("/reseller/accounts/{account}")).send().await.is(200);
    }
}

async fn master(target: &Target, more: Value) -> Node {
    let name = target.nobody.unique("Master");
    let mut body = json!({ "name": name, "external_id": name, "kind": "reseller" });
    merge(&mut body, more);
    let id = target.operator.post("/reseller/accounts/create", body).send().await.is(201).id();
    let key = target.operator.post(&format!("/reseller/accounts/{id}/keys"), json!({ "name": "Owner", "role": "owner" })).send().await;
    Node { api: target.nobody.with(key.is(201).word("secret")), id }
}

/// Puts the members of `more` into `body`.
pub fn merge(body: &mut Value, more: Value) {
    if let (Value::Object(body), Value::Object(more)) = (body, more) {
        body.extend(more);
    }
}

/// Every row of a list, page by page; fails if a page is longer than `limit` or the list does not end.
pub async fn every_row(api: &Api, path: &str, limit: usize) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    for _ in 0..1000 {
        let join = if path.contains('?') { '&' } else { '?' };
        let page = api.get(&format!("{path}{join}limit={limit}{cursor}")).send().await.is(200);
        assert!(page.rows().len() <= limit, "{path}");
        rows.extend(page.rows().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
    panic!("{path} does not end");
}

/// One member of every row.
pub fn column(rows: &[Value], name: &str) -> Vec<String> {
    rows.iter().map(|row| row[name].as_str().unwrap_or_default().to_owned()).collect()
}
