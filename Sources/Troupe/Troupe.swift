@_exported public import TroupeChannels
