package ops

import "github.com/eiplan/eiplan/engine/parallel"

// parts is a parallel.Task that is one function: part i, done by the given worker. A function is a pointer, so handing it on costs no memory.
type parts func(worker, i int)

func (p parts) Do(worker, i int) { p(worker, i) }

// inParts runs n independent parts on a team. The function is made once, when a kernel is bound, and not at each run.
func inParts(team *parallel.Team, n int, p parts) { team.Run(n, p) }

// teamFor is the team for work of so many elements, or the caller alone where that is done before a helper would be awake.
func teamFor(team *parallel.Team, elements int) *parallel.Team {
	if elements < 2*worthwhile {
		return nil
	}
	return team
}
