package planner

// DecisionMap is which choice wins where another budget or another rate is asked for.
type DecisionMap struct {
	RatesPerSecond []float64 `json:"ratesPerSecond" yaml:"ratesPerSecond"` // 0: one request at a time
	BudgetsMs      []float64 `json:"budgetsMs" yaml:"budgetsMs"`           // for inference
	Cells          []Cell    `json:"cells" yaml:"cells"`                   // rate by rate
}

// Cell is the winner at one rate and budget; nil where nothing is feasible.
type Cell struct {
	RatePerSecond float64 `json:"ratePerSecond" yaml:"ratePerSecond"`
	BudgetMs      float64 `json:"budgetMs" yaml:"budgetMs"`
	Asked         bool    `json:"asked" yaml:"asked"` // these are the request's own
	Best          *Brief  `json:"best" yaml:"best"`
}

// The map's rates where none is asked for, else as factors of the one asked for; its budgets as factors, and those where nothing is within the one asked for.
var (
	mapRates       = [...]float64{0, 1, 3, 10, 30, 100, 300, 1000}
	mapRateFactors = [...]float64{0.1, 0.2, 0.5, 1, 2, 5, 10}
	mapBudgets     = [...]float64{0.1, 0.2, 0.4, 0.7, 1, 1.5, 2.5, 5}
	laxerBudgets   = [...]float64{1, 2, 5, 10, 20, 50, 100, 200}
)

// decisionMap answers the request at every pair of rates and budgets around its own.
func (a *analyst) decisionMap(feasible bool) DecisionMap {
	var d DecisionMap
	if a.Rate == 0 {
		d.RatesPerSecond = append(d.RatesPerSecond, mapRates[:]...)
	} else {
		for _, f := range mapRateFactors {
			d.RatesPerSecond = append(d.RatesPerSecond, round6(a.Rate*f))
		}
	}
	budgets := mapBudgets[:]
	if !feasible {
		budgets = laxerBudgets[:]
	}
	for _, f := range budgets {
		d.BudgetsMs = append(d.BudgetsMs, round6(a.budget*f))
	}
	for _, rate := range d.RatesPerSecond {
		for k, budget := range d.BudgetsMs {
			c := Cell{RatePerSecond: rate, BudgetMs: budget, Asked: rate == round6(a.Rate) && budgets[k] == 1}
			q := question{rate: rate, budget: budget}
			if c.Asked {
				q.rate, q.budget = a.Rate, a.budget
			}
			if e := a.best(q); e != nil {
				b := a.asked(q).brief(e)
				c.Best = &b
			}
			d.Cells = append(d.Cells, c)
		}
	}
	return d
}
