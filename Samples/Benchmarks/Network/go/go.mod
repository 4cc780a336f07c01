module netpeers

go 1.19
