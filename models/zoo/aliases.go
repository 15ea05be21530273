package zoo

// aliases are names that others give to models of the zoo, in lower case with underscores: torchvision, timm, Hugging Face, and short ones.
var aliases = map[string]string{
	"mobilenetv1": "mobilenet_v1_x1.0", "mobilenet_v1": "mobilenet_v1_x1.0", "mobilenetv2": "mobilenet_v2_x1.0", "mobilenet_v2": "mobilenet_v2_x1.0",
	"mobilenetv3_large": "mobilenet_v3_large_x1.0", "mobilenet_v3_large": "mobilenet_v3_large_x1.0", "mobilenetv3_small": "mobilenet_v3_small_x1.0", "mobilenet_v3_small": "mobilenet_v3_small_x1.0",
	"squeezenet": "squeezenet1_1", "minilm": "minilm_l6_h384", "all_minilm_l6_v2": "minilm_l6_h384", "all_minilm_l12_v2": "minilm_l12_h384",
	"bert": "bert_base", "distilbert": "distilbert_base", "roberta": "roberta_base",
}
