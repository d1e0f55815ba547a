# @summary Takes it from a host. Events that are in the log file stay.
# @api private
class ebpfsecurity::remove {
  service { 'otelcol-ebpfsecurity':
    ensure => stopped,
  }
  -> package { 'otelcol-ebpfsecurity':
    ensure => absent,
  }
}
