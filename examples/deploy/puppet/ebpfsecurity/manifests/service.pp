# @summary The service, as the package's unit describes it. A new configuration is loaded without a stop.
# @api private
class ebpfsecurity::service {
  service { 'otelcol-ebpfsecurity':
    ensure  => running,
    enable  => true,
    restart => 'systemctl reload-or-restart otelcol-ebpfsecurity',
  }
}
