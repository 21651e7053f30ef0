-- What IAM had in a data folder of generation 1, before there were accounts: made by that version.
BEGIN;
CREATE TABLE iam_access_keys (
	access_key_id TEXT NOT NULL, 
	secret_access_key TEXT NOT NULL, 
	user_name TEXT NOT NULL, 
	status TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	last_used_at TEXT, 
	last_used_service TEXT NOT NULL, 
	last_used_region TEXT NOT NULL, 
	PRIMARY KEY (access_key_id)
);
INSERT INTO "iam_access_keys" VALUES('AKIAROOTOFGENERATION','secret-of-root','','Active','2026-11-27T07:33:26.428798+00:00','2026-11-27T07:33:26.909211+00:00','iam','us-west-2');
INSERT INTO "iam_access_keys" VALUES('AKIAANNXOFGENERATION','secret-of-ann','ann','Active','2026-11-27T07:33:26.927436+00:00',NULL,'','');
CREATE TABLE iam_attachments (
	holder_kind TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	policy_arn TEXT NOT NULL, 
	PRIMARY KEY (holder_kind, holder, policy_arn)
);
INSERT INTO "iam_attachments" VALUES('role','FlowmakerAdmin','arn:aws:iam::aws:policy/AdministratorAccess');
INSERT INTO "iam_attachments" VALUES('role','eksctl-flowmaker-nodegroup-NodeInstanceRole','arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy');
INSERT INTO "iam_attachments" VALUES('role','eksctl-flowmaker-nodegroup-NodeInstanceRole','arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly');
INSERT INTO "iam_attachments" VALUES('role','eksctl-flowmaker-nodegroup-NodeInstanceRole','arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy');
INSERT INTO "iam_attachments" VALUES('group','readers','arn:aws:iam::000000000000:policy/buckets');
CREATE TABLE iam_decisions (
	id TEXT NOT NULL, 
	principal TEXT NOT NULL, 
	app TEXT NOT NULL, 
	action TEXT NOT NULL, 
	resource TEXT NOT NULL, 
	passed_to TEXT NOT NULL, 
	allowed BOOLEAN NOT NULL, 
	explicit BOOLEAN NOT NULL, 
	told TEXT NOT NULL, 
	missing TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	first_at TEXT NOT NULL, 
	last_at TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE iam_groups (
	group_name TEXT NOT NULL, 
	group_id TEXT NOT NULL, 
	path TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	PRIMARY KEY (group_name), 
	UNIQUE (group_id)
);
INSERT INTO "iam_groups" VALUES('readers','AGPAJKWH32RMAKFV6GNPU','/','2026-11-27T07:33:26.934811+00:00');
CREATE TABLE iam_inline_policies (
	holder_kind TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	policy_name TEXT NOT NULL, 
	policy_text TEXT NOT NULL, 
	PRIMARY KEY (holder_kind, holder, policy_name)
);
INSERT INTO "iam_inline_policies" VALUES('role','eksctl-flowmaker-nodegroup-NodeInstanceRole','kubeflow-pipelines-artifacts','{"Version": "2012-10-17", "Statement": [{"Sid": "ObjectsOfPipelines", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::mlpipeline*/*"}, {"Sid": "BucketOfPipelines", "Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": "arn:aws:s3:::mlpipeline*"}]}');
INSERT INTO "iam_inline_policies" VALUES('user','ann','roles','{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*"}]}');
CREATE TABLE iam_instance_profiles (
	instance_profile_name TEXT NOT NULL, 
	instance_profile_id TEXT NOT NULL, 
	path TEXT NOT NULL, 
	role_name TEXT NOT NULL, 
	tags JSON NOT NULL, 
	created_at TEXT NOT NULL, 
	PRIMARY KEY (instance_profile_name), 
	UNIQUE (instance_profile_id)
);
INSERT INTO "iam_instance_profiles" VALUES('nodes','AIPAICKGRS6BI6PQYZTBQ','/','FlowmakerAdmin','{}','2026-11-27T07:33:27.031398+00:00');
CREATE TABLE iam_memberships (
	user_name TEXT NOT NULL, 
	group_name TEXT NOT NULL, 
	PRIMARY KEY (user_name, group_name)
);
INSERT INTO "iam_memberships" VALUES('ann','readers');
CREATE TABLE iam_policies (
	policy_name TEXT NOT NULL, 
	policy_id TEXT NOT NULL, 
	arn TEXT NOT NULL, 
	path TEXT NOT NULL, 
	description TEXT NOT NULL, 
	tags JSON NOT NULL, 
	default_version INTEGER NOT NULL, 
	last_version INTEGER NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	PRIMARY KEY (policy_name), 
	UNIQUE (policy_id), 
	UNIQUE (arn)
);
INSERT INTO "iam_policies" VALUES('buckets','ANPADHDPEEXYPOGJTCKMR','arn:aws:iam::000000000000:policy/buckets','/','','{}',2,2,'2026-11-27T07:33:26.963731+00:00','2026-11-27T07:33:27.011268+00:00');
CREATE TABLE iam_policy_versions (
	policy_name TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	policy_text TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	PRIMARY KEY (policy_name, version), 
	FOREIGN KEY(policy_name) REFERENCES iam_policies (policy_name)
);
INSERT INTO "iam_policy_versions" VALUES('buckets',1,'{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}','2026-11-27T07:33:26.963731+00:00');
INSERT INTO "iam_policy_versions" VALUES('buckets',2,'{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}','2026-11-27T07:33:27.011268+00:00');
CREATE TABLE iam_roles (
	role_name TEXT NOT NULL, 
	role_id TEXT NOT NULL, 
	path TEXT NOT NULL, 
	trust_policy TEXT NOT NULL, 
	description TEXT NOT NULL, 
	max_session_duration INTEGER NOT NULL, 
	boundary TEXT NOT NULL, 
	tags JSON NOT NULL, 
	created_at TEXT NOT NULL, 
	PRIMARY KEY (role_name), 
	UNIQUE (role_id)
);
INSERT INTO "iam_roles" VALUES('FlowmakerAdmin','AROAJOZRDFQVMCSXFVZU4','/','{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com", "AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}]}','',43200,'','{}','2026-11-27T07:33:26.428825+00:00');
INSERT INTO "iam_roles" VALUES('eksctl-flowmaker-nodegroup-NodeInstanceRole','AROADH5ZUELXLEENRAX2G','/','{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}','',43200,'','{}','2026-11-27T07:33:26.428825+00:00');
CREATE TABLE iam_users (
	user_name TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	path TEXT NOT NULL, 
	boundary TEXT NOT NULL, 
	tags JSON NOT NULL, 
	created_at TEXT NOT NULL, 
	PRIMARY KEY (user_name), 
	UNIQUE (user_id)
);
INSERT INTO "iam_users" VALUES('ann','AIDAUCGF3KUIMOHUIWPOZ','/team/','','{"of": "team"}','2026-11-27T07:33:26.915176+00:00');
CREATE TABLE s3_buckets (
	name TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	region TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	configurations JSON NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "s3_buckets" VALUES('old','000000000000','us-west-2','2026-11-27T07:33:27.166430+00:00','{}');
CREATE TABLE sts_sessions (
	access_key_id TEXT NOT NULL, 
	secret_access_key TEXT NOT NULL, 
	session_token TEXT NOT NULL, 
	principal_arn TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	session_policies JSON NOT NULL, 
	purpose TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	expires_at TEXT NOT NULL, 
	PRIMARY KEY (access_key_id)
);
INSERT INTO "sts_sessions" VALUES('ASIAKVCICZWMIDQ2FQ3Z','secret-of-admin','token-of-admin','arn:aws:sts::000000000000:assumed-role/FlowmakerAdmin/flowmaker-env','AROAJOZRDFQVMCSXFVZU4:flowmaker-env','[]','flowmaker-env','2026-11-27T07:33:26.530356+00:00','2036-11-24T07:33:26.530356+00:00');
CREATE INDEX iam_memberships_by_group ON iam_memberships (group_name);
CREATE INDEX iam_attachments_by_policy ON iam_attachments (policy_arn);
CREATE INDEX iam_access_keys_by_user ON iam_access_keys (user_name);
CREATE INDEX sts_sessions_by_expiry ON sts_sessions (expires_at);
CREATE INDEX sts_sessions_by_purpose ON sts_sessions (purpose);
CREATE INDEX iam_decisions_by_time ON iam_decisions (last_at);
PRAGMA user_version = 1;
COMMIT;
