use std::fs;

use tempfile::TempDir;

use super::report::Finding;
use super::*;

const TEMPLATE: &str = include_str!("fixtures/template.yaml");
const CONFIG: &str = include_str!("fixtures/samconfig.toml");

/// A workspace on disk whose template and settings are the fixtures.
struct Workspace {
    dir: TempDir,
}

impl Workspace {
    fn new() -> Self {
        let workspace = Self { dir: tempfile::tempdir().expect("a directory") };
        workspace.write("template.yaml", TEMPLATE);
        workspace.write("samconfig.toml", CONFIG);
        for function in ["one", "two"] {
            let manifest =
                format!("[package]\nname = \"tributary-{function}\"\n\n[[bin]]\nname = \"{function}\"\npath = \"src/main.rs\"\n");
            workspace.write(&format!("functions/{function}/Cargo.toml"), &manifest);
        }
        for runbook in ["one-errors", "two-errors", "dead-letters"] {
            workspace.write(&format!("docs/runbooks/{runbook}.md"), "# What to do\n");
        }
        workspace
    }

    fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let path = self.dir.path().join(file);
        fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        fs::write(path, bytes).expect("written");
    }

    /// The same with one text of a file replaced, which must stand in it.
    fn with(self, file: &str, from: &str, to: &str) -> Self {
        let text = fs::read_to_string(self.dir.path().join(file)).expect("a file");
        assert!(text.contains(from), "{file} holds no {from:?}");
        self.write(file, text.replacen(from, to, 1));
        self
    }

    fn looked_at(&self, env: &str) -> Report {
        let args = Args { env: env.to_owned(), template: self.dir.path().join("template.yaml"), config: None, build_dir: None };
        let mut report = Report::default();
        offline(&mut report, &args, self.dir.path());
        report
    }
}

fn at(report: &Report, level: Level) -> Vec<&Finding> {
    report.findings().iter().filter(|finding| finding.level == level).collect()
}

/// The one thing that is wrong in `env` after a text was replaced.
fn broken(env: &str, file: &str, from: &str, to: &str) -> (Level, &'static str, String) {
    let report = Workspace::new().with(file, from, to).looked_at(env);
    let wrong: Vec<&Finding> = report.findings().iter().filter(|finding| finding.level >= Level::Warning).collect();
    // The section `default` for dev is said in every run.
    let wrong: Vec<&&Finding> = wrong.iter().filter(|finding| finding.check != "environment" || env == "prod").collect();
    let [one] = wrong.as_slice() else { panic!("{from:?} -> {to:?}: {wrong:#?}") };
    assert!(!one.todo.is_empty(), "{} does not say what to do", one.found);
    (one.level, one.check, one.found.clone())
}

#[test]
fn a_sound_deployment_has_no_problem_and_no_warning() {
    let workspace = Workspace::new();
    for env in ["dev", "prod"] {
        let report = workspace.looked_at(env);
        assert_eq!(at(&report, Level::Problem), Vec::<&Finding>::new(), "{env}");
        let warnings: Vec<&str> = at(&report, Level::Warning).iter().map(|finding| finding.check).collect();
        assert_eq!(warnings, if env == "dev" { vec!["environment"] } else { Vec::new() }, "{env}");
    }
    let report = workspace.looked_at("prod");
    let skipped: Vec<&str> = at(&report, Level::Skipped).iter().map(|finding| finding.found.as_str()).collect();
    assert_eq!(skipped.len(), 1, "{skipped:?}");
    assert!(skipped[0].starts_with("not built"), "{skipped:?}");
}

#[test]
fn each_fault_of_a_template_is_named() {
    for (from, to, check, said) in [
        ("Binary: two", "Binary: three", "programs", "TwoFunction runs three"),
        ("BuildProperties: {Binary: two}", "BuildProperties: {}", "programs", "TwoFunction does not say"),
        ("Role: !GetAtt TwoRole.Arn", "Role: !GetAtt OneRole.Arn", "own role", "share OneRole"),
        ("      Role: !GetAtt TwoRole.Arn\n", "", "own role", "TwoFunction has no role"),
        ("Action: logs:PutLogEvents, Resource", "Action: logs:*, Resource", "rights", "logs:*"),
        ("Action: logs:PutLogEvents, Resource: !GetAtt TwoLogGroup.Arn", "Action: logs:PutLogEvents, Resource: '*'", "rights", "reaches *"),
        ("Resource: !GetAtt TwoLogGroup.Arn", "Resource: !Sub '${TwoLogGroup.Arn}:*'", "rights", "TwoRole reaches"),
        ("Resource: !GetAtt TwoLogGroup.Arn", "NotResource: !GetAtt TwoLogGroup.Arn", "rights", "NotResource"),
        ("LogGroup: !Ref TwoLogGroup", "LogGroup: !Ref OneLogGroup", "own log group", "share OneLogGroup"),
        (
            "TwoLogGroup: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: !Ref LogRetentionDays}}",
            "TwoLogGroup: {Type: AWS::Logs::LogGroup}",
            "own log group",
            "TwoLogGroup keeps logs for ever",
        ),
        ("Value: !Ref TwoFunction", "Value: !Ref OneFunction", "errors alarm", "nothing watches the errors of TwoFunction"),
        (
            "MetricName: Errors\n      Dimensions: [{Name: FunctionName, Value: !Ref TwoFunction}]",
            "MetricName: Throttles\n      Dimensions: [{Name: FunctionName, Value: !Ref TwoFunction}]",
            "errors alarm",
            "TwoFunction",
        ),
        ("${Files.Arn}/files/*", "${Files.Arn}/*", "rights", "OneRole reaches"),
        ("IgnorePublicAcls: true, ", "", "buckets", "Files may be opened"),
        ("      BucketEncryption:", "      Encryption:", "buckets", "Files does not say that it is encrypted"),
        ("DeletionPolicy: RetainExceptOnCreate", "DeletionPolicy: Delete", "buckets", "Files goes with the stack"),
        ("Timeout: 29", "Timeout: 30", "time and memory", "OneFunction may run for 30 s"),
        ("Timeout: 120", "Timeout: 901", "time and memory", "TwoFunction may run for 901 s"),
        ("MemorySize: 512", "MemorySize: 64", "time and memory", "OneFunction has 64 MB"),
        ("PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false", "tables", "Table cannot be restored"),
        ("      DeletionProtectionEnabled: true\n", "", "tables", "Table can be deleted"),
        ("SSEEnabled: true", "SSEEnabled: false", "tables", "Table is not encrypted"),
        ("    DeletionPolicy: Retain\n", "", "tables", "Table goes with the stack"),
        ("    UpdateReplacePolicy: Retain\n", "    UpdateReplacePolicy: Delete\n", "tables", "Table goes with the stack"),
        ("Secret, DeletionPolicy: Retain", "Secret, DeletionPolicy: Delete", "secrets", "Pepper goes with the stack"),
        ("      SqsManagedSseEnabled: true\n      RedrivePolicy", "      RedrivePolicy", "encryption", "Work does not say"),
        (
            "      RedrivePolicy: {maxReceiveCount: 5, deadLetterTargetArn: !GetAtt DeadLetters.Arn}\n",
            "",
            "redrive",
            "Work tries a bad message for ever",
        ),
        ("!GetAtt DeadLetters.QueueName", "!GetAtt Work.QueueName", "dead letters", "nobody hears of a dead letter in DeadLetters"),
        ("            RetryPolicy: {MaximumRetryAttempts: 2}\n", "", "schedules", "Often of TwoFunction does not say"),
        ("            DeadLetterConfig: {Arn: !GetAtt DeadLetters.Arn}\n", "", "schedules", "Often of TwoFunction keeps no run"),
        (
            "docs/runbooks/two-errors.md",
            "docs/runbooks/too-errors.md",
            "runbooks",
            "TwoErrorsAlarm names the runbook docs/runbooks/too-errors.md",
        ),
        (
            "Runbook: docs/runbooks/dead-letters.md\"\n      Namespace: AWS/SQS\n",
            "Runbook: docs/runbooks/dead-letters.md\"\n      Namespace: AWS/SNS\n",
            "dead letters",
            "DeadLetters",
        ),
    ] {
        let (level, found_by, found) = broken("dev", "template.yaml", from, to);
        assert_eq!((level, found_by), (Level::Problem, check), "{from:?} -> {to:?}: {found}");
        assert!(found.contains(said), "{from:?} -> {to:?}: {found}");
    }
}

#[test]
fn an_alarm_without_actions_or_without_a_runbook_is_named() {
    let actions = "      AlarmActions: !If [IsWatched, [!If [HasAlarmTopic, !Ref AlarmTopicArn, !Ref AlarmTopic]], !Ref AWS::NoValue]\n";
    let (level, check, found) = broken("dev", "template.yaml", actions, "");
    assert_eq!((level, check), (Level::Problem, "actions"), "{found}");
    assert!(found.contains("OneErrorsAlarm can tell nobody"), "{found}");
    let (level, check, found) = broken("dev", "template.yaml", " Runbook: docs/runbooks/two-errors.md", "");
    assert_eq!((level, check), (Level::Warning, "runbooks"), "{found}");
    assert!(found.contains("TwoErrorsAlarm"), "{found}");
}

#[test]
fn each_fault_of_the_settings_is_named() {
    for (from, to, check, said) in [
        ("\"Environment=prod\"", "\"Enviroment=prod\"", "parameters", "prod.deploy gives Enviroment"),
        ("\"Environment=prod\"", "\"Environment=production\"", "parameters", "Environment=production"),
        ("\"LogRetentionDays=365\"", "\"LogRetentionDays=0\"", "parameters", "LogRetentionDays=0"),
        ("\"DocsUrl=https://docs.acme.test/tributary\"", "\"DocsUrl=docs.acme.test\"", "parameters", "DocsUrl=docs.acme.test"),
        ("\"Waf=create\"", "\"Waf\"", "parameters", "\"Waf\" of prod.deploy is not Name=value"),
        (
            "[prod.build.parameters]\nparameter_overrides = [\"Architecture=arm64\"]",
            "[prod.build.parameters]\nparallel = false",
            "build and deploy",
            "is built for x86_64 and deployed as arm64",
        ),
        ("stack_name = \"tributary-prod\"\n", "", "stack", "prod names no stack_name"),
        ("capabilities = \"CAPABILITY_IAM\"\ndisable", "disable", "capabilities", "not allowed"),
        ("arn:aws:acm:us-east-1:", "arn:aws:acm:eu-west-1:", "domain", "in eu-west-1, the stack in us-east-1"),
        ("    \"CertificateArn=arn:aws:acm:us-east-1:123456789012:certificate/1\",\n", "", "domain", "api.acme.test has no certificate"),
        ("DocsUrl=https://docs.acme.test/tributary", "DocsUrl=https://docs.tributary.example", "documentation", "placeholder"),
        ("DocsUrl=https://docs.acme.test/tributary", "DocsUrl=/prod/docs", "documentation", "no path of this deployment"),
        ("DocsUrl=https://docs.acme.test/tributary", "DocsUrl=http://docs.acme.test", "documentation", "not https"),
        ("    \"AlarmEmail=ops@acme.test\",\n", "", "alarms", "nobody hears any of 3 alarms"),
        ("Rollout=Canary10Percent5Minutes", "Rollout=AllAtOnce", "rollout", "takes all requests at once: OneFunction"),
        ("\"LogRetentionDays=365\"", "\"LogRetentionDays=365\", \"LogLevel=debug\"", "log level", "LogLevel=debug"),
        ("LogRetentionDays=365", "LogRetentionDays=89", "log retention", "keeps logs for 89 days"),
        ("disable_rollback = false", "disable_rollback = true", "failed deployment", "disable_rollback"),
        ("Waf=create", "Waf=none", "firewall", "Waf=none"),
    ] {
        let report = Workspace::new().with("samconfig.toml", from, to).looked_at("prod");
        let wrong: Vec<&Finding> = report.findings().iter().filter(|finding| finding.level >= Level::Warning).collect();
        let named = wrong.iter().any(|finding| finding.check == check && finding.found.contains(said) && !finding.todo.is_empty());
        assert!(named, "{from:?} -> {to:?}: {wrong:#?}");
    }
}

#[test]
fn a_topic_or_an_address_is_enough_for_alarms() {
    let topic =
        Workspace::new().with("samconfig.toml", "AlarmEmail=ops@acme.test", "AlarmTopicArn=arn:aws:sns:us-east-1:123456789012:alarms");
    assert_eq!(at(&topic.looked_at("prod"), Level::Problem), Vec::<&Finding>::new());
}

#[test]
fn a_topic_that_nobody_reads_is_not_enough_for_alarms() {
    let unread =
        Workspace::new().with("template.yaml", "Subscription: [{Protocol: email, Endpoint: !Ref AlarmEmail}]", "DisplayName: alarms");
    let report = unread.looked_at("prod");
    assert!(at(&report, Level::Problem).iter().any(|finding| finding.check == "alarms"), "{report:?}");
    let read = unread.with(
        "template.yaml",
        "  Table:\n",
        "  Mail: {Type: AWS::SNS::Subscription, Properties: {TopicArn: !Ref AlarmTopic, Protocol: email, Endpoint: !Ref AlarmEmail}}\n  Table:\n",
    );
    assert_eq!(at(&read.looked_at("prod"), Level::Problem), Vec::<&Finding>::new());
}

#[test]
fn documentation_that_the_api_serves_itself_is_named_by_its_path() {
    let relative = |domain: &str, docs: &str| {
        let workspace = Workspace::new()
            .with("samconfig.toml", "DomainName=api.acme.test", domain)
            .with("samconfig.toml", "DocsUrl=https://docs.acme.test/tributary", docs)
            .with("template.yaml", "^https?://[A-Za-z0-9._~:/%-]+$", "^https?://[A-Za-z0-9._~:/%-]+$|^/[a-z]+/docs$");
        at(&workspace.looked_at("prod"), Level::Problem).iter().map(|finding| finding.found.clone()).collect::<Vec<_>>()
    };
    assert_eq!(relative("DomainName=", "DocsUrl=/prod/docs"), Vec::<String>::new());
    assert_eq!(relative("DomainName=api.acme.test", "DocsUrl=https://api.acme.test/docs"), Vec::<String>::new());
    assert_eq!(relative("DomainName=", "DocsUrl=/dev/docs").len(), 1, "the stage of another environment");
    assert_eq!(relative("DomainName=api.acme.test", "DocsUrl=/prod/docs").len(), 1, "a domain has no stage in its paths");
}

#[test]
fn runbooks_that_are_served_elsewhere_are_looked_for_here() {
    let workspace =
        Workspace::new().with("template.yaml", "Runbook: docs/runbooks/one-errors.md", "Runbook: https://wiki.acme.test/x/one-errors.md");
    assert_eq!(at(&workspace.looked_at("prod"), Level::Problem), Vec::<&Finding>::new());
}

#[test]
fn what_production_needs_other_environments_may_do_without() {
    let report = Workspace::new().looked_at("dev");
    let production: Vec<&Finding> = report.findings().iter().filter(|finding| finding.group == "Production").collect();
    assert_eq!(production.iter().map(|finding| finding.level).collect::<Vec<_>>(), [Level::Skipped]);
}

#[test]
fn an_environment_that_is_not_there_is_a_problem() {
    let report = Workspace::new().looked_at("staging");
    assert!(at(&report, Level::Problem).iter().any(|finding| finding.check == "environment" && finding.found.contains("default, prod")));
    let report = Workspace::new().with("samconfig.toml", "\"Environment=prod\"", "\"Environment=dev\"").looked_at("prod");
    assert!(at(&report, Level::Problem).iter().any(|finding| finding.found.contains("prod deploys Environment=dev")));
}

#[test]
fn files_that_cannot_be_read_are_problems_and_the_rest_is_looked_at_all_the_same() {
    let workspace = Workspace::new();
    workspace.write("samconfig.toml", "[prod\n");
    let report = workspace.looked_at("prod");
    let problems = at(&report, Level::Problem);
    assert!(problems.iter().any(|finding| finding.check == "config" && finding.found.contains("line 1")), "{problems:?}");
    assert!(report.findings().iter().any(|finding| finding.group == "Functions" && finding.level == Level::Ok));
    workspace.write("template.yaml", "Resources: [");
    assert!(at(&workspace.looked_at("prod"), Level::Problem).iter().any(|finding| finding.check == "template"));
}

#[test]
fn a_secret_in_a_file_is_a_problem() {
    let secret = format!("rk_live_{}", "x".repeat(43));
    let report = Workspace::new().with("samconfig.toml", "version = 0.1", &format!("version = 0.1 # {secret}")).looked_at("prod");
    assert!(at(&report, Level::Problem).iter().any(|finding| finding.group == "Secrets" && finding.found.contains("line 1")));
    assert!(!report.render(crate::output::Style::PLAIN).contains(&secret));
}

fn program(machine: u8) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, machine, 0];
    bytes.resize(64, 0);
    bytes
}

const ARM64: u8 = 183;
const X86_64: u8 = 62;

#[test]
fn what_is_built_is_looked_at() {
    let workspace = Workspace::new();
    workspace.write(".aws-sam/build/OneFunction/bootstrap", program(ARM64));
    workspace.write(".aws-sam/build/TwoFunction/bootstrap", program(ARM64));
    workspace.write(".aws-sam/build/TwoFunction/bootstrap.zip", [0; 10]);
    let report = workspace.looked_at("prod");
    let built: Vec<(Level, &str)> =
        report.findings().iter().filter(|finding| finding.group == "Built").map(|finding| (finding.level, finding.check)).collect();
    assert_eq!(built, [(Level::Ok, "programs"), (Level::Ok, "processor"), (Level::Ok, "size"), (Level::Ok, "up to date")]);

    workspace.write(".aws-sam/build/OneFunction/bootstrap", program(X86_64));
    let report = workspace.looked_at("prod");
    let problems = at(&report, Level::Problem);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].found.contains("OneFunction is x86_64, and is deployed on arm64"), "{problems:?}");

    workspace.write(".aws-sam/build/TwoFunction/bootstrap.zip", vec![0; 5_000_001]);
    assert!(
        at(&workspace.looked_at("prod"), Level::Problem)
            .iter()
            .any(|finding| finding.check == "size" && finding.found.contains("TwoFunction is 5.0 MB"))
    );
    fs::remove_file(workspace.dir.path().join(".aws-sam/build/TwoFunction/bootstrap")).expect("removed");
    assert!(at(&workspace.looked_at("prod"), Level::Problem).iter().any(|finding| finding.found.contains("TwoFunction is not built")));
}

#[test]
fn a_program_older_than_its_sources_is_a_warning() {
    let workspace = Workspace::new();
    for program_of in ["OneFunction", "TwoFunction"] {
        workspace.write(&format!(".aws-sam/build/{program_of}/bootstrap"), program(ARM64));
    }
    workspace.write(".aws-sam/build/template.yaml", TEMPLATE);
    let old = std::time::SystemTime::UNIX_EPOCH;
    for file in [".aws-sam/build/OneFunction/bootstrap", ".aws-sam/build/template.yaml"] {
        let file = fs::File::options().write(true).open(workspace.dir.path().join(file)).expect("a file");
        file.set_modified(old).expect("made old");
    }
    let report = workspace.looked_at("prod");
    let warnings: Vec<&str> = at(&report, Level::Warning).iter().map(|finding| finding.check).collect();
    assert_eq!(warnings, ["up to date", "template"], "{report:?}");
}

/// The repository's own files; what production needs of them is for whoever deploys to fill in.
#[test]
fn this_repository_can_be_deployed_to_dev() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let nothing_built = tempfile::tempdir().expect("a directory");
    let build_dir = Some(nothing_built.path().to_owned());
    let args = Args { env: "dev".to_owned(), template: root.join("template.yaml"), config: None, build_dir };
    let mut report = Report::default();
    offline(&mut report, &args, &root);
    // Programs that other commands left in target/lambda are not this test's business.
    let problems: Vec<&Finding> = at(&report, Level::Problem).into_iter().filter(|finding| finding.group != "Built").collect();
    assert_eq!(problems, Vec::<&Finding>::new());
}

#[test]
fn every_parameter_of_the_template_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let document = read("docs/DEPLOY.md");
    let rows: Vec<&str> = document.lines().filter(|line| line.starts_with("| `")).collect();
    for name in Template::parse(&read("template.yaml")).expect("a template").parameters().keys() {
        assert!(rows.iter().any(|row| row.contains(&format!("`{name}`"))), "docs/DEPLOY.md has no row for {name}");
    }
}
