"""Every attack on one command's jail."""
from cases import files, kernel, network, processes, reads, text, trust

ATTACKS = (*files.ATTACKS, *trust.ATTACKS, *text.ATTACKS, *network.ATTACKS, *reads.ATTACKS, *processes.ATTACKS,
           *kernel.ATTACKS)
