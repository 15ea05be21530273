package zoo

// aliases are names that others give to models of the zoo, in lower case with underscores: torchvision, timm, Hugging Face, PaddleClas, and short ones.
var aliases = map[string]string{
	"mobilenetv1": "mobilenet_v1_x1.0", "mobilenet_v1": "mobilenet_v1_x1.0", "mobilenetv2": "mobilenet_v2_x1.0", "mobilenet_v2": "mobilenet_v2_x1.0",
	"mobilenetv3_large": "mobilenet_v3_large_x1.0", "mobilenet_v3_large": "mobilenet_v3_large_x1.0",
	"mobilenetv3_small": "mobilenet_v3_small_x1.0", "mobilenet_v3_small": "mobilenet_v3_small_x1.0",
	"mnasnet": "mnasnet_x1.0", "pplcnet": "pplcnet_x1.0", "ghostnet": "ghostnet_100", "shufflenetv2": "shufflenet_v2_x1.0", "rexnet": "rexnet_100",
	"squeezenet": "squeezenet1_1", "darknet": "darknet53", "xception": "xception41", "inception": "inception_v3",
	"minilm": "minilm_l6_h384", "all_minilm_l6_v2": "minilm_l6_h384", "all_minilm_l12_v2": "minilm_l12_h384", "all_mpnet_base_v2": "bert_base",
	"bert": "bert_base", "distilbert": "distilbert_base", "roberta": "roberta_base", "electra": "electra_base",
	"albert": "albert_base", "albert_base_v2": "albert_base", "albert_large_v2": "albert_large", "albert_base_v1": "albert_base", "tinybert": "bert_4l_312",
	"tinybert_general_4l_312d": "bert_4l_312", "tinybert_general_6l_768d": "bert_6l_768",
	"bert_large_squad": "bert_large", "bert_base_squad": "bert_base", "electra_base_discriminator": "electra_base", "electra_small_discriminator": "electra_small",
	"vit_b_16": "vit_base_patch16_224", "vit_b_32": "vit_base_patch32_224", "vit_l_16": "vit_large_patch16_224", "vit_l_32": "vit_large_patch32_224", "vit_h_14": "vit_huge_patch14_224",
	"vit": "vit_base_patch16_224", "deit": "deit_base_patch16_224", "deit_tiny": "deit_tiny_patch16_224", "deit_small": "deit_small_patch16_224", "deit_base": "deit_base_patch16_224",
	"beit": "beit_base_patch16_224", "beit_base": "beit_base_patch16_224", "beit_large": "beit_large_patch16_224",
	"swin_t": "swin_tiny_patch4_window7_224", "swin_s": "swin_small_patch4_window7_224", "swin_b": "swin_base_patch4_window7_224",
	"swin_tiny": "swin_tiny_patch4_window7_224", "swin_small": "swin_small_patch4_window7_224", "swin_base": "swin_base_patch4_window7_224", "swin_large": "swin_large_patch4_window7_224",
	"alt_gvt_small": "twins_svt_small", "alt_gvt_base": "twins_svt_base", "alt_gvt_large": "twins_svt_large",
	"pcpvt_small": "twins_pcpvt_small", "pcpvt_base": "twins_pcpvt_base", "pcpvt_large": "twins_pcpvt_large",
	"convnext": "convnext_tiny", "efficientnet": "efficientnet_b0", "resnet": "resnet50", "resnext": "resnext50_32x4d", "vgg": "vgg16", "densenet": "densenet121",
	"seresnet50": "se_resnet50", "senet": "senet154", "yolov8": "yolov8n", "retinanet": "retinanet_resnet50", "faster_rcnn": "faster_rcnn_resnet50", "faster_rcnn_resnet50_coco": "faster_rcnn_resnet50", "fcn": "fcn_resnet50", "deeplabv3": "deeplabv3_resnet50",
	"resnest50d": "resnest50", "resnest101e": "resnest101", "resnest200e": "resnest200", "resnest269e": "resnest269", "resnest14d": "resnest14", "resnest26d": "resnest26",
}
