// Compiled for the model checker alone: see the same folder in TroupeChannels.
@_exported public import TroupeModel

@usableFromInline package typealias Atomic = TroupeModel.Atomic

func troupe_cpu_pause() { ModelSystem.pause() }
