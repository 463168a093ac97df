//! The functions by the names of their programs: what `main.rs` of each wires on Lambda.

use std::collections::BTreeMap;
use std::sync::Arc;

use tributary_api::App;
use tributary_notifier::Senders;
use tributary_reconcile::PASSES_BEGIN_APART_S;

use crate::lambda::{self, Handler, Lambda};
use crate::template::{Template, TemplateError};

/// Every function of the template.
///
/// # Errors
/// [`TemplateError`] if the template names a program that is not known here.
pub fn all(template: &Template, app: &App, senders: &Senders) -> Result<BTreeMap<String, Lambda>, TemplateError> {
    let lambda = |(name, function): (&String, &crate::template::Function)| {
        let handler = handler(&function.binary, app, senders)
            .ok_or_else(|| TemplateError(format!("{name} runs {:?}, which is not known", function.binary)))?;
        Ok((name.clone(), Lambda::new(name, function.timeout, handler)))
    };
    template.functions.iter().map(lambda).collect()
}

fn handler(binary: &str, app: &App, senders: &Senders) -> Option<Handler> {
    let app = app.clone();
    match binary {
        "accounts" => Some(lambda::http(tributary_accounts::router(app))),
        "credits" => Some(lambda::http(tributary_credits::router(app))),
        "pricing" => Some(lambda::http(tributary_pricing::router(app))),
        "usage" => Some(lambda::http(tributary_usage::router(app))),
        "alerts" => Some(lambda::http(tributary_alerts::router(app))),
        "insights" => Some(lambda::http(tributary_insights_api::router(app))),
        "billing" => Some(lambda::http(tributary_billing_api::router(app))),
        "webhooks" => Some(lambda::http(tributary_webhooks::router(app))),
        "bulk" => Some(lambda::http(tributary_bulk_api::router(app))),
        "portal" => Some(lambda::http(tributary_portal::router(app))),
        "housekeeping" => Some(Arc::new(move |event, context| {
            let app = app.clone();
            Box::pin(async move { tributary_housekeeping::handle(&app, event, &app.run_id(&context.request_id)).await })
        })),
        "notifier" => {
            let senders = senders.clone();
            Some(Arc::new(move |event, context| {
                let (app, senders) = (app.clone(), senders.clone());
                Box::pin(async move { tributary_notifier::handle(&app, &senders, event, &app.run_id(&context.request_id)).await })
            }))
        }
        "admin" => Some(Arc::new(move |event, context| {
            let app = app.clone();
            Box::pin(async move { tributary_admin::handle(&app, event, &app.run_id(&context.request_id)).await })
        })),
        "reconcile" => Some(Arc::new(move |event, context| {
            let app = app.clone();
            Box::pin(async move { tributary_reconcile::handle(&app, event, &app.run_id(&context.request_id), PASSES_BEGIN_APART_S).await })
        })),
        "usage_worker" => Some(Arc::new(move |event, context| {
            let app = app.clone();
            Box::pin(async move { tributary_usage_worker::handle(&app, event, &app.run_id(&context.request_id)).await })
        })),
        "watcher" => Some(Arc::new(move |event, context| {
            let app = app.clone();
            Box::pin(async move { tributary_watcher::handle(&app, event, &app.run_id(&context.request_id)).await })
        })),
        "exporter" => Some(Arc::new(move |event, context| {
            let app = app.clone();
            Box::pin(async move { tributary_exporter::handle(&app, event, &app.run_id(&context.request_id)).await })
        })),
        "outbox" => Some(Arc::new(move |event, context| {
            let app = app.clone();
            Box::pin(async move { tributary_outbox::handle(&app, event, &app.run_id(&context.request_id)).await })
        })),
        "roster" => Some(Arc::new(move |event, context| {
            let app = app.clone();
            Box::pin(async move { tributary_roster::handle(&app, event, &app.run_id(&context.request_id)).await })
        })),
        "bulk_worker" => Some(Arc::new(move |event, context| {
            let app = app.clone();
            Box::pin(async move { tributary_bulk_worker::handle(&app, event, &app.run_id(&context.request_id)).await })
        })),
        "collector" => Some(Arc::new(move |event, context| {
            let app = app.clone();
            Box::pin(async move { tributary_collector::handle(&app, event, &app.run_id(&context.request_id)).await })
        })),
        "billing_run" => Some(Arc::new(move |event, context| {
            let app = app.clone();
            Box::pin(async move { tributary_billing_run::handle(&app, event, &app.run_id(&context.request_id)).await })
        })),
        "invoice_worker" => Some(Arc::new(move |event, context| {
            let app = app.clone();
            Box::pin(async move { tributary_invoice_worker::handle(&app, event, &app.run_id(&context.request_id)).await })
        })),
        "forecast" => Some(Arc::new(move |event, context| {
            let app = app.clone();
            Box::pin(async move { tributary_forecasts::handle(&app, event, &app.run_id(&context.request_id)).await })
        })),
        _ => None,
    }
}
