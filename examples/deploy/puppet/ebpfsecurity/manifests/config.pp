# @summary The configuration. A mistake in it fails the run, and the old one stays.
# @api private
class ebpfsecurity::config {
  $content = $ebpfsecurity::config ? {
    undef   => epp('ebpfsecurity/config.yaml.epp', {
      metrics_address => $ebpfsecurity::metrics_address,
      otlp_endpoint   => $ebpfsecurity::otlp_endpoint,
      log_megabytes   => $ebpfsecurity::log_megabytes,
      log_backups     => $ebpfsecurity::log_backups,
      log_days        => $ebpfsecurity::log_days,
    }),
    default => $ebpfsecurity::config,
  }
  file { '/etc/otelcol-ebpfsecurity/config.yaml':
    ensure       => file,
    owner        => 'root',
    group        => 'root',
    mode         => '0644',
    content      => $content,
    validate_cmd => '/usr/bin/otelcol-ebpfsecurity validate --config %',
  }
}
