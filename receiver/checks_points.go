package receiver

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/check"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

// checks records what the checks found last. The score waits until each has run.
func (p points) checks(all []check.Outcome, complete bool) {
	if complete {
		p.RecordLinuxSecurityCheckPassRatioDataPoint(p.now, check.PassRatio(all))
	}
	for i := range all {
		p.outcome(&all[i])
	}
}

func (p points) outcome(o *check.Outcome) {
	for s := check.OK; s <= check.Timeout; s++ {
		p.RecordLinuxSecurityCheckStatusDataPoint(p.now, boolean(s == o.Status), o.Check, metadata.MapAttributeCheckStatus[s.String()])
	}
	p.RecordLinuxSecurityCheckOverflowDataPoint(p.now, int64(o.Overflow), o.Check)
	for _, r := range o.Results {
		p.RecordLinuxSecurityCheckResultDataPoint(p.now, boolean(r.Pass), r.Rule, metadata.MapAttributeCheckSeverity[string(r.Severity)])
	}
	for _, found := range o.Points {
		checkMetrics[found.Metric](p.MetricsBuilder, p.now, int64(found.Value), found.Labels)
	}
}

// A record adds a data point of one metric. Labels are in the order of the metric's attributes.
type record func(*metadata.MetricsBuilder, pcommon.Timestamp, int64, []check.Label)

type builder = metadata.MetricsBuilder

// checkMetrics are the metrics of the checks by name.
var checkMetrics = map[string]record{
	"linux.security.account_expire":            one((*builder).RecordLinuxSecurityAccountExpireDataPoint),
	"linux.security.apparmor_enabled":          none((*builder).RecordLinuxSecurityApparmorEnabledDataPoint),
	"linux.security.apparmor_profiles":         one((*builder).RecordLinuxSecurityApparmorProfilesDataPoint),
	"linux.security.auditd_rules_count":        none((*builder).RecordLinuxSecurityAuditdRulesCountDataPoint),
	"linux.security.auditd_running":            none((*builder).RecordLinuxSecurityAuditdRunningDataPoint),
	"linux.security.authorized_keys":           two((*builder).RecordLinuxSecurityAuthorizedKeysDataPoint),
	"linux.security.container_socket_open":     four((*builder).RecordLinuxSecurityContainerSocketOpenDataPoint),
	"linux.security.crontab_entry":             four((*builder).RecordLinuxSecurityCrontabEntryDataPoint),
	"linux.security.hosts_options_info":        four((*builder).RecordLinuxSecurityHostsOptionsInfoDataPoint),
	"linux.security.kernel_lockdown":           one((*builder).RecordLinuxSecurityKernelLockdownDataPoint),
	"linux.security.kernel_taint_flag":         two((*builder).RecordLinuxSecurityKernelTaintFlagDataPoint),
	"linux.security.kernel_tainted":            none((*builder).RecordLinuxSecurityKernelTaintedDataPoint),
	"linux.security.last_password_change":      one((*builder).RecordLinuxSecurityLastPasswordChangeDataPoint),
	"linux.security.last_patch_time":           one((*builder).RecordLinuxSecurityLastPatchTimeDataPoint),
	"linux.security.login_defs_info":           two((*builder).RecordLinuxSecurityLoginDefsInfoDataPoint),
	"linux.security.lsm_active":                one((*builder).RecordLinuxSecurityLsmActiveDataPoint),
	"linux.security.module_signature_enforced": none((*builder).RecordLinuxSecurityModuleSignatureEnforcedDataPoint),
	"linux.security.mount_option":              two((*builder).RecordLinuxSecurityMountOptionDataPoint),
	"linux.security.package_count":             one((*builder).RecordLinuxSecurityPackageCountDataPoint),
	"linux.security.password_inactive":         one((*builder).RecordLinuxSecurityPasswordInactiveDataPoint),
	"linux.security.password_max_days":         one((*builder).RecordLinuxSecurityPasswordMaxDaysDataPoint),
	"linux.security.password_min_days":         one((*builder).RecordLinuxSecurityPasswordMinDaysDataPoint),
	"linux.security.password_warn_days":        one((*builder).RecordLinuxSecurityPasswordWarnDaysDataPoint),
	"linux.security.secure_boot_enabled":       none((*builder).RecordLinuxSecuritySecureBootEnabledDataPoint),
	"linux.security.selinux_config":            two((*builder).RecordLinuxSecuritySelinuxConfigDataPoint),
	"linux.security.selinux_mode":              one((*builder).RecordLinuxSecuritySelinuxModeDataPoint),
	"linux.security.services_info":             four((*builder).RecordLinuxSecurityServicesInfoDataPoint),
	"linux.security.sshd_config_info":          two((*builder).RecordLinuxSecuritySshdConfigInfoDataPoint),
	"linux.security.sysctl_param_secure":       four((*builder).RecordLinuxSecuritySysctlParamSecureDataPoint),
	"linux.security.account_info": func(b *builder, now pcommon.Timestamp, v int64, l []check.Label) {
		b.RecordLinuxSecurityAccountInfoDataPoint(now, v, l[0].Value, l[1].Value, l[2].Value, l[3].Value,
			l[4].Value, l[5].Value, l[6].Value, l[7].Value)
	},
	"linux.security.firewall_enabled": func(b *builder, now pcommon.Timestamp, v int64, l []check.Label) {
		b.RecordLinuxSecurityFirewallEnabledDataPoint(now, v, metadata.MapAttributeFirewallType[l[0].Value], l[1].Value)
	},
	"linux.security.os_version_info": func(b *builder, now pcommon.Timestamp, v int64, l []check.Label) {
		b.RecordLinuxSecurityOsVersionInfoDataPoint(now, v, l[0].Value, l[1].Value, l[2].Value, l[3].Value, l[4].Value,
			l[5].Value, l[6].Value, l[7].Value, l[8].Value)
	},
	"linux.security.ports_use_info": func(b *builder, now pcommon.Timestamp, v int64, l []check.Label) {
		b.RecordLinuxSecurityPortsUseInfoDataPoint(now, v, l[0].Value, l[1].Value, l[2].Value, l[3].Value,
			l[4].Value, l[5].Value, l[6].Value, l[7].Value)
	},
	"linux.security.search_path_writable": func(b *builder, now pcommon.Timestamp, v int64, l []check.Label) {
		b.RecordLinuxSecuritySearchPathWritableDataPoint(now, v, l[0].Value, l[1].Value, l[2].Value, l[3].Value, l[4].Value)
	},
	"linux.security.setuid_file": func(b *builder, now pcommon.Timestamp, v int64, l []check.Label) {
		b.RecordLinuxSecuritySetuidFileDataPoint(now, v, l[0].Value, l[1].Value, l[2].Value, l[3].Value, l[4].Value)
	},
	"linux.security.setuid_file_count": func(b *builder, now pcommon.Timestamp, v int64, l []check.Label) {
		b.RecordLinuxSecuritySetuidFileCountDataPoint(now, v, metadata.MapAttributeSetuidType[l[0].Value])
	},
	"linux.security.system_target_info": func(b *builder, now pcommon.Timestamp, v int64, l []check.Label) {
		b.RecordLinuxSecuritySystemTargetInfoDataPoint(now, v, l[0].Value, metadata.MapAttributeTargetTargetType[l[1].Value])
	},
}

func none(f func(*builder, pcommon.Timestamp, int64)) record {
	return func(b *builder, now pcommon.Timestamp, v int64, _ []check.Label) { f(b, now, v) }
}

func one(f func(*builder, pcommon.Timestamp, int64, string)) record {
	return func(b *builder, now pcommon.Timestamp, v int64, l []check.Label) { f(b, now, v, l[0].Value) }
}

func two(f func(*builder, pcommon.Timestamp, int64, string, string)) record {
	return func(b *builder, now pcommon.Timestamp, v int64, l []check.Label) {
		f(b, now, v, l[0].Value, l[1].Value)
	}
}

func four(f func(*builder, pcommon.Timestamp, int64, string, string, string, string)) record {
	return func(b *builder, now pcommon.Timestamp, v int64, l []check.Label) {
		f(b, now, v, l[0].Value, l[1].Value, l[2].Value, l[3].Value)
	}
}
